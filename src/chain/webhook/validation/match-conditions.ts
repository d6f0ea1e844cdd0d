import { qualifiedNameProblems } from '../../../api/names.ts';
import type { MatchCondition } from '../../../api/webhook-configuration.ts';
import type { ConditionCompiler } from '../../match/match-conditions.ts';
import { duplicate, invalid, required, tooMany, type FieldError } from './field-error.ts';

/** Source: k8s.io/kubernetes v1.37.2 pkg/apis/admissionregistration/validation/validation.go, validateMatchConditions. */
export function validateMatchConditions(
  conditions: readonly MatchCondition[],
  compiler: ConditionCompiler,
  field: string,
): FieldError[] {
  const errors = conditions.length > most ? [tooMany(field, conditions.length, most)] : [];
  for (const [index, condition] of conditions.entries()) {
    const { name = '', expression = '' } = condition as Partial<MatchCondition>;
    const place = `${field}[${index}]`;
    errors.push(...validateExpression(expression.trim(), compiler, `${place}.expression`));
    if (name === '') errors.push(required(`${place}.name`));
    else errors.push(...qualifiedNameProblems(name).map((problem) => invalid(`${place}.name`, name, problem)));
    if (name !== '' && conditions.slice(0, index).some((other) => other.name === name))
      errors.push(duplicate(`${place}.name`, name));
  }
  return errors;
}

const most = 64;

function validateExpression(expression: string, compiler: ConditionCompiler, field: string): FieldError[] {
  if (expression === '') return [required(field)];
  const compiled = compiler.compile(expression);
  return compiled.kind === 'program' ? [] : [invalid(field, expression, compiled.error)];
}
