import { gzipSync } from 'node:zlib';
import type { JsonObject, JsonValue } from '../../../src/json/json-value.ts';
import { resolvePointer } from '../../../src/json/index.ts';

/** How a webhook of a scenario answers: data, so that the recording server and the replay do the same. */
export type Behaviour =
  /** A review with the request's uid. `response` is put over `{ uid, allowed: true }`; a member that is null is left out. */
  | {
      readonly kind: 'answer';
      readonly response?: JsonObject;
      readonly version?: string;
      readonly reviewKind?: string | null;
    }
  /** Allows, with the operations of every rule whose condition holds for the object. */
  | { readonly kind: 'mutate'; readonly rules: readonly MutationRule[]; readonly response?: JsonObject }
  /** Bytes as they are; `$UID` stands for the request's uid. */
  | {
      readonly kind: 'raw';
      readonly status?: number;
      readonly headers?: { readonly [name: string]: string };
      readonly body?: string;
      /** Sends the body compressed. */
      readonly gzip?: boolean;
    }
  /** Never answers. */
  | { readonly kind: 'hang' }
  /** Drops the connection before answering, or in the middle of the answer. */
  | { readonly kind: 'drop' | 'cut' }
  /** The first call as the first says, and so on; the last says for the rest. Counted per request of the scenario. */
  | { readonly kind: 'sequence'; readonly steps: readonly Behaviour[] };

export interface MutationRule {
  /** All must hold. Default: always. */
  readonly when?: readonly Condition[];
  readonly operations: readonly JsonObject[];
}

/** A question about the object in a review. */
export type Condition =
  | { readonly absent: string }
  | { readonly present: string }
  | { readonly equals: readonly [pointer: string, value: JsonValue] };

/** What a webhook does with one request. */
export type Response =
  | {
      readonly kind: 'http';
      readonly status: number;
      readonly headers: { readonly [name: string]: string };
      readonly body: Buffer;
    }
  | { readonly kind: 'hang' | 'drop' | 'cut' };

/** Plays `behaviour` on the review in `body`, which is the call number `call` (from 0) for this request of the scenario. */
export function respond(behaviour: Behaviour, body: Buffer, call: number): Response {
  const review = (body.length === 0 ? {} : JSON.parse(body.toString())) as JsonObject;
  const request = (review['request'] ?? {}) as JsonObject;
  const uid = textOf(request['uid']);
  const apiVersion = textOf(review['apiVersion']);
  switch (behaviour.kind) {
    case 'hang':
    case 'drop':
    case 'cut':
      return { kind: behaviour.kind };
    case 'sequence': {
      const step = behaviour.steps[Math.min(call, behaviour.steps.length - 1)];
      if (step === undefined) throw new Error('a sequence has at least one step');
      return respond(step, body, call);
    }
    case 'raw':
      return raw(behaviour, uid);
    case 'answer':
      return reviewResponse(behaviour.version ?? apiVersion, uid, behaviour.response ?? {}, behaviour.reviewKind);
    case 'mutate': {
      const object = request['object'] ?? null;
      const operations = behaviour.rules
        .filter(({ when = [] }) => when.every((condition) => holds(condition, object)))
        .flatMap((rule) => rule.operations);
      const patch = Buffer.from(JSON.stringify(operations)).toString('base64');
      const patched = operations.length === 0 ? {} : { patch, patchType: 'JSONPatch' };
      return reviewResponse(apiVersion, uid, { ...patched, ...behaviour.response });
    }
  }
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

const json = { 'content-type': 'application/json' };

function raw(
  { status = 200, headers = json, body = '', gzip = false }: Behaviour & { readonly kind: 'raw' },
  uid: string,
): Response {
  const answer = http(status, headers, body.replaceAll('$UID', uid));
  if (!gzip || answer.kind !== 'http') return answer;
  return { ...answer, headers: { ...headers, 'content-encoding': 'gzip' }, body: gzipSync(answer.body) };
}

function http(status: number, headers: { readonly [name: string]: string }, body: string): Response {
  return { kind: 'http', status, headers, body: Buffer.from(body) };
}

function reviewResponse(
  apiVersion: string,
  uid: string,
  over: JsonObject,
  reviewKind: string | null = 'AdmissionReview',
): Response {
  const members = Object.entries({ uid, allowed: true, ...over }).filter(([, value]) => value !== null);
  const kind = reviewKind === null ? {} : { kind: reviewKind };
  const version = apiVersion === '' ? {} : { apiVersion };
  return http(200, json, JSON.stringify({ ...version, ...kind, response: Object.fromEntries(members) }));
}

function holds(condition: Condition, object: JsonValue): boolean {
  if ('absent' in condition) return resolvePointer(object, condition.absent) === undefined;
  if ('present' in condition) return resolvePointer(object, condition.present) !== undefined;
  const [pointer, value] = condition.equals;
  return JSON.stringify(resolvePointer(object, pointer)) === JSON.stringify(value);
}
