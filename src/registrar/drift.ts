/**
 * Whether `actual` says everything that `wanted` says. Members that only `actual` has belong to somebody else and count
 * as no difference; so do list entries, where the list's elements have a `name`. Other lists, and label selectors, must
 * be equal: a requirement that somebody adds to a selector would switch the webhook off for all that lacks it.
 *
 * This is what server-side apply would leave unchanged when all of `wanted` is ours. An empty list or object that is
 * absent in `actual` is no difference: the API server may drop it.
 */
export function covers(actual: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    const list: readonly unknown[] = Array.isArray(actual) ? actual : [];
    if (wanted.every(isNamed)) {
      const byName = new Map(list.filter(isNamed).map((entry) => [entry.name, entry]));
      return wanted.every((entry) => covers(byName.get(entry.name), entry));
    }
    return list.length === wanted.length && wanted.every((value, index) => covers(list[index], value));
  }
  if (isRecord(wanted)) {
    const record = isRecord(actual) ? actual : {};
    return Object.entries(wanted).every(([key, value]) => {
      if (value === undefined) return true;
      return covers(record[key], value) && (!selectors.includes(key) || covers(value, record[key] ?? {}));
    });
  }
  return actual === wanted;
}

/** Each has one owner as a whole: k8s.io/api v0.37.2 `meta/v1/types.go` marks LabelSelector as `structType=atomic`. */
const selectors: readonly string[] = ['namespaceSelector', 'objectSelector'];

function isNamed(value: unknown): value is { readonly name: string } {
  return isRecord(value) && typeof value['name'] === 'string';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
