/**
 * The one place where recordings and replays are made comparable. What cannot be equal is taken out of both, or written
 * as a placeholder:
 *
 * - The uid of a review, random for each call, also in messages: `<uid>`.
 * - Ports of loopback addresses in messages: `<port>`.
 * - Metadata that the API server invents when it stores an object, and that the engine leaves alone: uid,
 *   resourceVersion, generation, creationTimestamp, managedFields, selfLink; in a Status also details.uid. Of these
 *   managedFields also where a message quotes an object.
 * - Zero values that the API server's Go types write and no manifest has: `"status": {}`, `"spec": {}`,
 *   `"creationTimestamp": null` (gone with the metadata above) of built-in kinds.
 * - Audit annotations that have nothing to do with webhooks: those of authorization, of latency, of PodSecurity.
 * - A connection that the API server closes without an answer, when its handler panics: recorded as the Status that the
 *   engine has for it.
 * - Of several validating webhooks that are called at once, the order: recordings list them by their place.
 *
 * Nothing else may be normalised anywhere else.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../../src/json/json-value.ts';
import type { Recorded } from './scenario.ts';

export function normaliseRecorded(recorded: Recorded): Recorded {
  return {
    allowed: recorded.allowed,
    ...(recorded.status === undefined ? {} : { status: normaliseStatus(recorded.status) }),
    warnings: recorded.warnings.map(withPlaceholders),
    ...(recorded.object === undefined ? {} : { object: normaliseObject(recorded.object) }),
    calls: recorded.calls.map((call) => ({ ...call, review: normaliseReview(call.review) })),
    auditAnnotations: Object.fromEntries(
      Object.entries(recorded.auditAnnotations)
        .filter(([key]) => !foreignAnnotation.test(key))
        .map(([key, value]): [string, string] => [key, withPlaceholders(value)])
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
  };
}

/** An object of the API server, stored or on its way. */
export function normaliseObject(object: JsonObject): JsonObject {
  const { metadata, ...rest } = object;
  const kept = Object.entries(isJsonObject(metadata) ? metadata : {}).filter(([key]) => !inventedMetadata.has(key));
  const isBuiltin = typeof object['apiVersion'] === 'string' && !object['apiVersion'].startsWith('golden.');
  const members = Object.entries(rest).filter(
    ([key, value]) => !(isBuiltin && zeroable.has(key) && isEmptyObject(value)),
  );
  return sortKeys({
    ...Object.fromEntries(members),
    ...(metadata === undefined ? {} : { metadata: Object.fromEntries(kept) }),
  });
}

function normaliseReview(review: JsonObject): JsonObject {
  const request = review['request'];
  if (!isJsonObject(request)) return sortKeys(review);
  const { object = null, oldObject = null } = request;
  return sortKeys({
    ...review,
    request: {
      ...request,
      uid: '<uid>',
      object: isJsonObject(object) ? normaliseObject(object) : object,
      oldObject: isJsonObject(oldObject) ? normaliseObject(oldObject) : oldObject,
    },
  });
}

function normaliseStatus(status: JsonObject): JsonObject {
  const { details } = status;
  const known = isJsonObject(details)
    ? { details: Object.fromEntries(Object.entries(details).filter(([key]) => key !== 'uid')) }
    : {};
  return sortKeys(JSON.parse(withPlaceholders(JSON.stringify({ ...status, ...known }))) as JsonObject);
}

const inventedMetadata = new Set([
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'managedFields',
  'selfLink',
]);
const zeroable = new Set(['status', 'spec']);
const foreignAnnotation =
  /^(?:authorization\.k8s\.io|authentication\.k8s\.io|apiserver\.latency\.k8s\.io|pod-security\.kubernetes\.io)\//;

function withPlaceholders(text: string): string {
  return text
    .replace(/(127\.0\.0\.[0-9]+|localhost):[0-9]+/g, '$1:<port>')
    .replace(/\\*"managedFields\\*":\[.*?\}\],/g, '')
    .replace(/(expected response\.uid=\\?")[-0-9a-f]{36}/g, '$1<uid>');
}

function isEmptyObject(value: JsonValue): boolean {
  return isJsonObject(value) && Object.keys(value).length === 0;
}

function sortKeys(object: JsonObject): JsonObject {
  const sort = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return value.map(sort);
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(
      Object.keys(value)
        .sort()
        .map((key) => [key, sort(value[key] ?? null)]),
    );
  };
  return sort(object) as JsonObject;
}
