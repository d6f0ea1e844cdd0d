import { describe, expect, it } from 'vitest';
import {
  AuthorizerValue,
  BoolType,
  ResourceCheckValue,
  compile,
  createAdmissionEnvironment,
  fromJson,
} from '../../../src/cel/index.ts';
import type { Value } from '../../../src/cel/index.ts';
import { encodeValue } from './encode-value.ts';
import { readRecordedFiles } from './recorded.ts';
import type { Group, Recorded } from './recorded.ts';
import { ruleAuthorizer } from './rule-authorizer.ts';

const environment = createAdmissionEnvironment();

describe.each(readRecordedFiles())('$name', ({ groups, results }) => {
  it('was recorded as it stands', () => {
    expect(results.map((group) => group.map(({ expression }) => expression))).toEqual(
      groups.map(({ expressions }) => expressions),
    );
  });

  it.each(groups.map((group, index) => ({ about: group.about, group, index })))('$about', ({ group, index }) => {
    const variables = activation(group);
    const stable = (results[index] ?? []).filter(({ unstable }) => unstable !== true);
    expect(stable.map(({ expression }) => outcome(expression, group, variables))).toEqual(stable.map(asTold));
  });
});

/** The API server's compiler panics on some expressions; ours says the same as an error. */
function asTold({ compilePanic, ...recorded }: Recorded): Recorded {
  return compilePanic === undefined ? recorded : { ...recorded, compileError: `internal error: ${compilePanic}` };
}

function outcome(expression: string, group: Group, variables: ReadonlyMap<string, Value>): Recorded {
  const compiled = compile(expression, environment, group.resultType === 'bool' ? { resultType: BoolType } : {});
  if (!compiled.ok) return { expression, compileError: compiled.message };
  const { cost, ...result } = compiled.program.evaluate(variables);
  if (!result.ok) return { expression, error: result.error.message, cost };
  return { expression, value: encodeValue(result.value), cost };
}

function activation({ variables = {}, authorizer: spec }: Group): ReadonlyMap<string, Value> {
  const user = { username: spec?.username ?? '', groups: spec?.groups ?? [] };
  const authorizer = new AuthorizerValue(user, ruleAuthorizer(spec?.decisions ?? []));
  const { request } = variables;
  const requestResource = new ResourceCheckValue(authorizer, {
    group: request?.resource.group ?? '',
    resource: request?.resource.resource ?? '',
    subresource: request?.subResource ?? '',
    namespace: request?.namespace ?? '',
    name: request?.name ?? '',
  });
  return new Map<string, Value>([
    ['object', fromJson(variables.object ?? null)],
    ['oldObject', fromJson(variables.oldObject ?? null)],
    ['namespaceObject', fromJson(variables.namespaceObject ?? null)],
    ['request', fromJson(request ?? {})],
    ['authorizer', authorizer],
    ['authorizer.requestResource', requestResource],
  ]);
}
