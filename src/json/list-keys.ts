import type { JsonArray, JsonValue } from './json-value.ts';
import { isRawNumber } from './raw-number.ts';

/** What tells an element from the others of its list. Compared by `===`. */
export type ElementKey = string | number | boolean;

/**
 * The members by which Kubernetes tells the elements of a list apart, the most telling first. Each is tried on its own
 * before it is tried with a second member, so that a port stays the same port while `protocol` is being defaulted.
 *
 * Source: every `x-kubernetes-patch-merge-key` and `x-kubernetes-list-map-keys` in k8s.io/kubernetes v1.37.2
 * api/openapi-spec/swagger.json. `key`, `path` and `host` are no merge keys, but tell apart what people edit in
 * tolerations, matchExpressions, projected items and Ingress rules, lists that Kubernetes declares atomic.
 */
const candidates: readonly (readonly string[])[] = [
  ['name'],
  ['key'],
  ['containerPort'],
  ['containerPort', 'protocol'],
  ['port'],
  ['port', 'protocol'],
  ['mountPath'],
  ['devicePath'],
  ['ip'],
  ['uid'],
  ['type'],
  ['topologyKey'],
  ['topologyKey', 'whenUnsatisfiable'],
  ['driver', 'device', 'pool'],
  ['driver', 'device', 'pool', 'shareID'],
  ['resourceClaimName'],
  ['resourceID'],
  ['apiServerID'],
  ['rule'],
  ['status'],
  ['status', 'reason'],
  ['path'],
  ['host'],
];

/**
 * The keys of the elements of two versions of one list, by the first candidate that every element of both carries and
 * that no two elements of one share. Undefined when there is none, or nothing to match.
 */
export function listKeys(
  before: JsonArray,
  after: JsonArray,
): { before: readonly ElementKey[]; after: readonly ElementKey[] } | undefined {
  if (typeof before[0] !== 'object' || after.length === 0) {
    return undefined;
  }
  for (const members of candidates) {
    const beforeKeys = uniqueKeys(before, members);
    const afterKeys = beforeKeys && uniqueKeys(after, members);
    if (beforeKeys && afterKeys) {
      return { before: beforeKeys, after: afterKeys };
    }
  }
  return undefined;
}

function uniqueKeys(list: JsonArray, members: readonly string[]): ElementKey[] | undefined {
  const keys: ElementKey[] = [];
  for (const element of list) {
    const key = elementKey(element, members);
    if (key === undefined) {
      return undefined;
    }
    keys.push(key);
  }
  return hasRepeats(keys) ? undefined : keys;
}

function hasRepeats(keys: readonly ElementKey[]): boolean {
  // Comparing a few keys with each other is quicker than a Set of them.
  return keys.length <= 8
    ? keys.some((key, position) => keys.indexOf(key, position + 1) !== -1)
    : new Set(keys).size !== keys.length;
}

function elementKey(element: JsonValue, members: readonly string[]): ElementKey | undefined {
  // A raw number passes here; it has none of the members.
  if (typeof element !== 'object' || element === null || Array.isArray(element)) {
    return undefined;
  }
  const first = keyPart(element[members[0] ?? '']);
  if (first === undefined || members.length === 1) {
    return first;
  }
  const parts = members.map((member) => keyPart(element[member]));
  return parts.includes(undefined) ? undefined : JSON.stringify(parts);
}

function keyPart(value: JsonValue | undefined): ElementKey | undefined {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return value;
    default:
      return isRawNumber(value) ? `number ${value.rawJSON}` : undefined;
  }
}
