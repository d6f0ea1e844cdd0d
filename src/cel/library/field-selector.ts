import { compareStrings } from '../compare.ts';

/** One requirement on a field: `spec.nodeName=n1`. */
export interface FieldSelectorRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/**
 * The requirements of a field selector in the order of their texts; undefined when it cannot be read. A backslash takes
 * a comma, an equals sign or a backslash into a value.
 *
 * Source: k8s.io/apimachinery v0.37.2 pkg/fields/selector.go, ParseSelector.
 */
export function parseFieldSelector(text: string): readonly FieldSelectorRequirement[] | undefined {
  const terms = text.match(/(?:\\[^]?|[^\\,])+/g) ?? [];
  const requirements: FieldSelectorRequirement[] = [];
  for (const term of terms.sort(compareStrings)) {
    const [, field, operator, written] = /^([^]*?)(!=|==|=)([^]*)$/.exec(term) ?? [];
    if (field === undefined || written === undefined || !/^(?:\\[\\,=]|[^\\,=])*$/.test(written)) return undefined;
    const value = written.replace(/\\([\\,=])/g, '$1');
    if (field === '' && value === '') continue;
    requirements.push({ field, operator: operator === '!=' ? '!=' : '=', value });
  }
  return requirements;
}
