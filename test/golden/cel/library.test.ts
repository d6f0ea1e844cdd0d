import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  AuthorizerValue,
  Duration,
  ListValue,
  MapValue,
  OpaqueValue,
  OptionalValue,
  ResourceCheckValue,
  Type,
  Uint,
  compile,
  createAdmissionEnvironment,
  fromJson,
} from '../../../src/cel/index.ts';
import { readExactJson } from '../../../src/json/index.ts';
import type { Authorizer, AuthorizerAttributes, AuthorizerDecision, Value } from '../../../src/cel/index.ts';
import type { JsonValue } from '../../../src/json/index.ts';

/** A list of expressions that see the same variables: what golden-cel reads from the library-*.json files. */
interface Group {
  readonly about: string;
  readonly variables?: { readonly object?: JsonValue; readonly request?: RequestVariable };
  readonly authorizer?: { readonly username: string; readonly groups: string[]; readonly decisions: Rule[] };
  readonly expressions: readonly string[];
}

type RequestVariable = { [key: string]: JsonValue } & {
  readonly resource: { readonly group: string; readonly resource: string };
  readonly subResource?: string;
  readonly namespace: string;
  readonly name: string;
};

/** A decision, and what a question must be for it to be taken; what is absent does not matter. */
interface Rule {
  readonly username?: string;
  readonly verb?: string;
  readonly path?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
  readonly decision: AuthorizerDecision['decision'];
  readonly reason?: string;
  readonly error?: string;
}

/** What golden-cel found. */
interface Recorded {
  readonly expression: string;
  readonly compileError?: string;
  readonly error?: string;
  readonly value?: EncodedValue;
  readonly cost?: number;
}

interface EncodedValue {
  readonly type: string;
  readonly value?: unknown;
}

const results = JSON.parse(read('results.json')) as { readonly results: Readonly<Record<string, Recorded[][]>> };
const environment = createAdmissionEnvironment();

describe.each(readdirSync(import.meta.dirname).filter((file) => /^library-.*\.json$/.test(file)))('%s', (file) => {
  const groups = readExactJson(read(file)) as unknown as readonly Group[];
  const recorded = results.results[file] ?? [];

  it('was recorded as it stands', () => {
    expect(recorded.map((group) => group.map(({ expression }) => expression))).toEqual(
      groups.map(({ expressions }) => expressions),
    );
  });

  it.each(groups.map((group, index) => ({ about: group.about, group, index })))('$about', ({ group, index }) => {
    const variables = activation(group);
    const outcomes = group.expressions.map((expression) => outcome(expression, variables));
    expect(outcomes).toEqual(recorded[index]);
  });
});

function read(file: string): string {
  return readFileSync(join(import.meta.dirname, file), 'utf8');
}

function outcome(expression: string, variables: ReadonlyMap<string, Value>): Recorded {
  const compiled = compile(expression, environment);
  if (!compiled.ok) return { expression, compileError: compiled.message };
  const { cost, ...result } = compiled.program.evaluate(variables);
  if (!result.ok) return { expression, error: result.error.message, cost };
  return { expression, value: encode(result.value), cost };
}

function activation({ variables = {}, authorizer: rules }: Group): Map<string, Value> {
  const user = { username: rules?.username ?? '', groups: rules?.groups ?? [] };
  const authorizer = new AuthorizerValue(user, ruleAuthorizer(rules?.decisions ?? []));
  const { request } = variables;
  const about = {
    group: request?.resource.group ?? '',
    resource: request?.resource.resource ?? '',
    subresource: request?.subResource ?? '',
    namespace: request?.namespace ?? '',
    name: request?.name ?? '',
  };
  return new Map<string, Value>([
    ['object', fromJson(variables.object ?? null)],
    ['request', fromJson(request ?? {})],
    ['authorizer', authorizer],
    ['authorizer.requestResource', new ResourceCheckValue(authorizer, about)],
  ]);
}

/** Answers with the first rule that fits, as the authorizer of golden-cel does. */
function ruleAuthorizer(rules: readonly Rule[]): Authorizer {
  return {
    authorize: (attributes) => {
      const rule = rules.find((candidate) => fits(candidate, attributes));
      if (rule === undefined) return { decision: 'noOpinion', reason: '' };
      const { decision, reason = '', error } = rule;
      return error === undefined ? { decision, reason } : { decision, reason, error };
    },
  };
}

function fits(rule: Rule, asked: AuthorizerAttributes): boolean {
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

/** A value as golden-cel writes it. */
function encode(value: Value): EncodedValue {
  switch (typeof value) {
    case 'boolean':
      return { type: 'bool', value: String(value) };
    case 'bigint':
      return { type: 'int', value: String(value) };
    case 'number':
      return { type: 'double', value: formatDouble(value) };
    case 'string':
      return { type: 'string', value };
    default:
      break;
  }
  if (value instanceof OpaqueValue) return { type: value.type.name };
  if (value instanceof Type) return { type: 'type', value: value.name };
  if (value instanceof Uint) return { type: 'uint', value: String(value.value) };
  if (value instanceof Uint8Array) return { type: 'bytes', value: Buffer.from(value).toString('hex') };
  if (value instanceof Duration) return { type: 'google.protobuf.Duration', value: String(value.nanoseconds) };
  if (value instanceof ListValue) return { type: 'list', value: Array.from(value, encode) };
  if (value instanceof MapValue) {
    const entries = Array.from(value.keys(), (key) => [encode(key), encode(value.get(key) ?? null)] as const);
    const order = (a: EncodedValue, b: EncodedValue): number => (String(a.value) < String(b.value) ? -1 : 1);
    return { type: 'map', value: entries.sort(([a], [b]) => order(a, b)) };
  }
  if (value instanceof OptionalValue) {
    return { type: 'optional_type', ...(value.value === undefined ? {} : { value: encode(value.value) }) };
  }
  if (value === null) return { type: 'null_type' };
  // No library expression gives fractions of a second or another zone.
  const time = new Date(value.seconds * 1000).toISOString().replace('.000Z', 'Z');
  return { type: 'google.protobuf.Timestamp', value: time };
}

/** Go: strconv.FormatFloat(value, 'g', -1, 64). */
function formatDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  if (value === 0 || (Number(exponent) >= -4 && Number(exponent) < 6)) return String(value);
  return `${digits}e${exponent.replace(/^([+-])([0-9])$/, '$10$2')}`;
}
