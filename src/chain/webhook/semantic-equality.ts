import type { GroupVersionKind } from '../../api/resource.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json/json-value.ts';
import { isRawNumber } from '../../json/raw-number.ts';
import { isBuiltinKind } from '../builtin-kinds.ts';
import { equalGoNumbers } from '../go-json/number.ts';

/**
 * Whether two objects of a kind are the same to the API server, or both absent.
 *
 * Without a Go type, in custom resources, numbers must be whole or broken alike (`1` is not `1.0`), and absent is not
 * null. Of built-in kinds, lists and maps that are empty count as absent; the engine does not know the Go types, so it
 * takes null and `[]` for absent everywhere and `{}` where Kubernetes has a map by that name. Not copied: quantities that
 * are equal though written differently.
 *
 * Takes no stack: nesting of any depth is compared.
 *
 * Source: k8s.io/apimachinery v0.37.2 third_party/forked/golang/reflect/deep_equal.go.
 */
export function equalObjects(kind: GroupVersionKind, left: JsonObject | null, right: JsonObject | null): boolean {
  return equalDeep(left, right, isBuiltinKind(kind) ? withoutEmpty : (object) => object);
}

function withoutEmpty(object: JsonObject): JsonObject {
  const isEmpty = (key: string, value: JsonValue): boolean =>
    value === null ||
    (Array.isArray(value) && value.length === 0) ||
    (mapNames.has(key) && isJsonObject(value) && Object.keys(value).length === 0);
  const entries = Object.entries(object);
  return entries.some(([key, value]) => isEmpty(key, value))
    ? Object.fromEntries(entries.filter(([key, value]) => !isEmpty(key, value)))
    : object;
}

/** Fields of built-in kinds whose Go type is a map. Source: k8s.io/api v0.37.2. */
const mapNames: ReadonlySet<string> = new Set([
  'labels',
  'annotations',
  'matchLabels',
  'nodeSelector',
  'data',
  'binaryData',
  'stringData',
  'limits',
  'requests',
  'overhead',
  'hard',
  'parameters',
]);

function equalDeep(left: JsonValue, right: JsonValue, members: (object: JsonObject) => JsonObject): boolean {
  const pending: (readonly [JsonValue, JsonValue])[] = [[left, right]];
  for (let pair = pending.pop(); pair !== undefined; pair = pending.pop()) {
    const [a, b] = pair;
    if (a === b) continue;
    if (isNumber(a) && isNumber(b)) {
      if (!equalGoNumbers(a, b)) return false;
    } else if (Array.isArray(a) && Array.isArray(b)) {
      if (a.length !== b.length) return false;
      a.forEach((element, index) => pending.push([element, b[index] ?? null]));
    } else if (isJsonObject(a) && isJsonObject(b)) {
      const [own, other] = [members(a), members(b)];
      const keys = Object.keys(own);
      if (keys.length !== Object.keys(other).length) return false;
      for (const key of keys) {
        if (!Object.hasOwn(other, key)) return false;
        pending.push([own[key] ?? null, other[key] ?? null]);
      }
    } else {
      return false;
    }
  }
  return true;
}

function isNumber(value: JsonValue): value is number {
  // A raw number travels as a leaf that the type system does not see.
  return typeof value === 'number' || isRawNumber(value);
}
