import { regexCost } from '../cost.ts';
import { globalOverload, memberOverload } from '../function.ts';
import { ArrayList } from '../list.ts';
import { StringType, listType, objectType, optionalType } from '../types.ts';
import { OpaqueValue, OptionalValue, noSuchOverload } from '../values.ts';
import { namedFormats } from './named-format.ts';
import type { Library } from '../environment.ts';
import type { Type } from '../types.ts';
import type { EvaluationError, Value } from '../values.ts';
import type { NamedFormat } from './named-format.ts';

/** A named format: what `format.dns1123Label()` gives. */
class FormatValue extends OpaqueValue {
  override readonly type = FormatType;
  readonly format: NamedFormat;

  constructor(format: NamedFormat) {
    super();
    this.format = format;
  }

  override equals(other: Value): boolean | EvaluationError {
    return other instanceof FormatValue ? this.format.name === other.format.name : noSuchOverload();
  }
}

const FormatType: Type<FormatValue> = objectType('kubernetes.NamedFormat');

/**
 * `format.named`, `format.dns1123Label` and its likes, `validate`.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/cel/library/format.go.
 */
export const formatLibrary: Library = {
  name: 'kubernetes.format',
  functions: [
    {
      name: 'format.named',
      cost: () => 1,
      overloads: [globalOverload('format-named', [StringType], optionalType(FormatType), named)],
    },
    {
      name: 'validate',
      cost: (_, [format, text = '']) =>
        format instanceof FormatValue ? regexCost(text, format.format.regexSize) : undefined,
      overloads: [
        memberOverload('format-validate', [FormatType, StringType], optionalType(listType(StringType)), validate),
      ],
    },
    ...Array.from(namedFormats, ([name, format]) => ({
      name: `format.${name}`,
      overloads: [globalOverload(`format.${name}`, [], FormatType, () => new FormatValue(format))],
    })),
  ],
};

function named(name: string): OptionalValue {
  const format = namedFormats.get(name);
  return new OptionalValue(format && new FormatValue(format));
}

function validate({ format }: FormatValue, text: string): OptionalValue {
  const problems = format.problems(text);
  return new OptionalValue(problems.length === 0 ? undefined : new ArrayList(problems));
}
