import { operations as knownOperations, type Operation } from '../api/admission-review.ts';
import { LabelSelectorError, parseLabelSelector } from '../api/label-selector.ts';
import { qualifiedNameProblems } from '../api/names.ts';
import { parseResourceName } from '../api/resource-name.ts';
import type { LabelSelector, MatchCondition, RuleWithOperations, Scope } from '../api/webhook-configuration.ts';

/** Throws for a field of a definition; the caller knows the webhook and the place. */
export type Refuse = (field: string, problem: string) => never;

/** What says which requests reach a webhook, before anything of it was checked. */
export interface UncheckedTarget {
  readonly resource?: string | readonly string[];
  readonly operations?: readonly Operation[];
  readonly scope?: Scope;
  readonly rules?: readonly Readonly<RuleWithOperations>[];
}

const ruleOperations: readonly string[] = [...knownOperations, '*'];
const scopes: readonly string[] = ['Cluster', 'Namespaced', '*'];

/** The rules that an author wrote, or those that the resource names come to. Refuses what the API server would refuse. */
export function readRules(options: UncheckedTarget, refuse: Refuse): RuleWithOperations[] {
  const { rules: written } = options;
  if (written !== undefined) {
    const isList: boolean = Array.isArray(written);
    if (!isList || written.length === 0) refuse('rules', 'needs at least one rule');
    written.forEach((rule, index) => checkRule(rule, `rules[${index}].`, refuse));
    return written.map((rule) => structuredClone(rule));
  }
  const names: readonly string[] = typeof options.resource === 'string' ? [options.resource] : (options.resource ?? []);
  if (names.length === 0) refuse('resource', 'is missing: name a resource such as "pods", or give rules');
  const operations = [...(options.operations ?? [])];
  const rules: RuleWithOperations[] = [];
  names.forEach((name, index) => {
    const field = typeof options.resource === 'string' ? 'resource' : `resource[${index}]`;
    const parsed = parseResourceName(name);
    if ('problem' in parsed) return refuse(field, parsed.problem);
    const resource = parsed.subresource === undefined ? parsed.resource : `${parsed.resource}/${parsed.subresource}`;
    const apiVersions = [parsed.version ?? '*'];
    const same = rules.find((rule) => rule.apiGroups[0] === parsed.group && rule.apiVersions[0] === apiVersions[0]);
    if (same === undefined) {
      const rule: RuleWithOperations = { operations, apiGroups: [parsed.group], apiVersions, resources: [resource] };
      rules.push({ ...rule, scope: options.scope ?? '*' });
    } else if (!same.resources.includes(resource)) {
      same.resources.push(resource);
    }
  });
  rules.forEach((rule) => checkRule(rule, '', refuse));
  return rules;
}

function checkRule(rule: Readonly<RuleWithOperations>, prefix: string, refuse: Refuse): void {
  const lists = ['operations', 'apiGroups', 'apiVersions', 'resources'] as const;
  for (const list of lists) {
    const values: unknown = rule[list];
    if (!Array.isArray(values) || values.length === 0) refuse(`${prefix}${list}`, 'needs at least one entry');
    rule[list].forEach((value: unknown, index) => {
      const field = `${prefix}${list}[${index}]`;
      if (typeof value !== 'string') return refuse(field, `${quote(value)} is not a string`);
      if (list === 'operations' && !ruleOperations.includes(value)) {
        refuse(field, `${quote(value)} is not one of ${ruleOperations.join(', ')}`);
      }
      if (value === '' && list !== 'apiGroups') refuse(field, 'is empty');
      if (list === 'resources' && value.split('/').length > 2)
        refuse(field, `${quote(value)} is not resource/subresource`);
    });
    if (list !== 'resources' && rule[list].length > 1 && (rule[list] as string[]).includes('*')) {
      refuse(`${prefix}${list}`, '"*" must stand alone');
    }
  }
  checkWildcards(rule.resources, prefix, refuse);
  if (rule.scope !== undefined && !scopes.includes(rule.scope)) {
    refuse(`${prefix}scope`, `${quote(rule.scope)} is not one of ${scopes.join(', ')}`);
  }
}

/** Source: kubernetes v1.37.2 `pkg/apis/admissionregistration/validation/validation.go`, validateResources; in any order here. */
function checkWildcards(resources: readonly string[], prefix: string, refuse: Refuse): void {
  const field = `${prefix}resources`;
  const beside = (wildcard: string, covers: (resource: string) => boolean): void => {
    const covered = resources.includes(wildcard)
      ? resources.find((text) => text !== wildcard && covers(text))
      : undefined;
    if (covered !== undefined)
      refuse(field, `${quote(wildcard)} covers ${quote(covered)} already; leave one of them out`);
  };
  beside('*/*', () => true);
  beside('*', (text) => !text.includes('/'));
  for (const text of resources) {
    const [resource = '', subresource] = text.split('/');
    if (subresource === '*') beside(text, (other) => other.startsWith(`${resource}/`));
    else if (resource === '*' && subresource !== undefined) beside(text, (other) => other.endsWith(`/${subresource}`));
  }
}

/** A selector that the API server would take. */
export function readSelector(field: string, selector: LabelSelector, refuse: Refuse): LabelSelector {
  const isSelector: boolean = typeof selector === 'object' && selector !== null && !Array.isArray(selector);
  if (!isSelector)
    return refuse(field, `${quote(selector)} is not a label selector; expected matchLabels or matchExpressions`);
  const unknown = Object.keys(selector).find((key) => key !== 'matchLabels' && key !== 'matchExpressions');
  if (unknown !== undefined) refuse(`${field}.${unknown}`, 'is unknown; expected matchLabels or matchExpressions');
  try {
    parseLabelSelector(selector);
  } catch (error) {
    return refuse(field, error instanceof LabelSelectorError ? error.message : 'is not a label selector');
  }
  return structuredClone(selector);
}

/** Conditions with their names; whether they compile is for the API server to say. */
export function readMatchConditions(conditions: readonly MatchCondition[], refuse: Refuse): readonly MatchCondition[] {
  const isList: boolean = Array.isArray(conditions);
  if (!isList) refuse('matchConditions', 'is not a list');
  const names = new Set<string>();
  conditions.forEach(({ name, expression }, index) => {
    if (typeof name !== 'string' || name === '') refuse(`matchConditions[${index}].name`, 'is missing');
    const [problem] = qualifiedNameProblems(name);
    if (problem !== undefined) refuse(`matchConditions[${index}].name`, `${quote(name)}: ${problem}`);
    if (names.has(name)) refuse(`matchConditions[${index}].name`, `${quote(name)} stands there twice`);
    names.add(name);
    if (typeof expression !== 'string' || expression.trim() === '') {
      refuse(`matchConditions[${index}].expression`, 'is missing');
    }
  });
  if (conditions.length > 64)
    refuse('matchConditions', `has ${conditions.length} entries; the API server takes at most 64`);
  return conditions.map(({ name, expression }) => ({ name, expression }));
}

/** A value as a message shows it. */
export function quote(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : String(value);
}
