import { labelValueProblems, qualifiedNameProblems } from '../../../api/names.ts';
import type { LabelSelector, LabelSelectorRequirement } from '../../../api/webhook-configuration.ts';
import { forbidden, invalid, required, type FieldError } from './field-error.ts';

export interface SelectorOptions {
  /** Values that are no label values are let pass in matchExpressions, since the stored object has such. */
  readonly allowInvalidValues: boolean;
}

/** Source: k8s.io/apimachinery v0.37.2 pkg/apis/meta/v1/validation/validation.go, ValidateLabelSelector. */
export function validateLabelSelector(selector: LabelSelector, options: SelectorOptions, field: string): FieldError[] {
  return [
    ...validateLabels(selector.matchLabels ?? {}, `${field}.matchLabels`),
    ...(selector.matchExpressions ?? []).flatMap((requirement, index) =>
      validateRequirement(requirement, options, `${field}.matchExpressions[${index}]`),
    ),
  ];
}

/** Labels of an object or of a selector. In the API server their order is random; here it is theirs. */
export function validateLabels(labels: { readonly [key: string]: string }, field: string): FieldError[] {
  return Object.entries(labels).flatMap(([key, value]) => [
    ...qualifiedNameProblems(key).map((problem) => invalid(field, key, problem)),
    ...labelValueProblems(value).map((problem) => invalid(field, value, problem)),
  ]);
}

function validateRequirement(
  requirement: LabelSelectorRequirement,
  options: SelectorOptions,
  field: string,
): FieldError[] {
  const {
    key = '',
    operator = '',
    values = [],
  } = requirement as { key?: string; operator?: string; values?: string[] };
  return [
    ...validateOperator(operator, values, field),
    ...qualifiedNameProblems(key).map((problem) => invalid(`${field}.key`, key, problem)),
    ...(options.allowInvalidValues
      ? []
      : values.flatMap((value, index) =>
          labelValueProblems(value).map((problem) => invalid(`${field}.values[${index}]`, value, problem)),
        )),
  ];
}

function validateOperator(operator: string, values: readonly string[], field: string): FieldError[] {
  switch (operator) {
    case 'In':
    case 'NotIn':
      return values.length > 0
        ? []
        : [required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'")];
    case 'Exists':
    case 'DoesNotExist':
      return values.length === 0
        ? []
        : [forbidden(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")];
    default:
      return [invalid(`${field}.operator`, operator, 'not a valid selector operator')];
  }
}
