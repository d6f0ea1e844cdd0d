import type { Authorizer, AuthorizerAttributes } from '../../../src/cel/index.ts';
import type { DecisionRule } from './recorded.ts';

/** Answers with the first rule that fits, as the authorizer of golden-cel does. */
export function ruleAuthorizer(rules: readonly DecisionRule[]): Authorizer {
  return {
    authorize: (attributes) => {
      const rule = rules.find((candidate) => fits(candidate, attributes));
      if (rule === undefined) return { decision: 'noOpinion', reason: '' };
      const { decision, reason = '', error } = rule;
      return error === undefined ? { decision, reason } : { decision, reason, error };
    },
  };
}

function fits(rule: DecisionRule, asked: AuthorizerAttributes): boolean {
  const fields = (asked.fieldSelector ?? []).map(({ field, operator, value }) => `${field}${operator}${value};`);
  // Requirements are recorded one by one, each closed by a semicolon, which no label can hold.
  const labels = rule.labelSelector?.replace(/;$/, '').replaceAll(';', ',');
  return [
    [rule.username, asked.user.username],
    [rule.verb, asked.verb],
    [rule.path, asked.path],
    [rule.group, asked.apiGroup],
    [rule.resource, asked.resource],
    [rule.subresource, asked.subresource],
    [rule.namespace, asked.namespace],
    [rule.name, asked.name],
    [rule.fieldSelector, fields.join('')],
    [labels, asked.labelSelector?.toString() ?? ''],
  ].every(([wanted, actual]) => wanted === undefined || wanted === actual);
}
