import type { JsonObject } from '../../json/json-value.ts';
import { integerAt, textAt } from './object-fields.ts';

/*
 * Sets of tolerations. Source: k8s.io/kubernetes v1.37.2 pkg/util/tolerations/tolerations.go.
 */

/**
 * The tolerations of both lists in order, without those that another one covers; of equal ones the first stays. `first`
 * itself when that makes no difference.
 */
export function mergeTolerations(first: readonly JsonObject[], second: readonly JsonObject[]): readonly JsonObject[] {
  const all = [...first, ...second];
  const merged: JsonObject[] = [];
  for (const [index, toleration] of all.entries()) {
    const isCovered =
      merged.some((each) => covers(each, toleration)) ||
      all.slice(index + 1).some((each) => !areEqual(each, toleration) && covers(each, toleration));
    if (!isCovered) merged.push(toleration);
  }
  const isFirst = merged.length === first.length && merged.every((each, index) => each === first[index]);
  return isFirst ? first : merged;
}

/** Whether each of the tolerations is covered by one of the whitelist; an empty whitelist allows everything. */
export function satisfiesWhitelist(tolerations: readonly JsonObject[], whitelist: readonly JsonObject[]): boolean {
  return whitelist.length === 0 || tolerations.every((each) => whitelist.some((allowed) => covers(allowed, each)));
}

/**
 * Whether whatever `toleration` tolerates is tolerated by `wider`, as far as the API server looks: an equal one that says
 * its operator only by default is not found. Go: isSuperset.
 */
function covers(wider: JsonObject, toleration: JsonObject): boolean {
  if (areEqual(wider, toleration)) return true;
  const operator = textAt(wider, 'operator');
  const isForAllKeys = textAt(wider, 'key') === '' && operator === 'Exists';
  if (textAt(toleration, 'key') !== textAt(wider, 'key') && !isForAllKeys) return false;
  if (!['', textAt(toleration, 'effect')].includes(textAt(wider, 'effect'))) return false;
  if (textAt(wider, 'effect') === 'NoExecute') {
    const limit = integerAt(wider, 'tolerationSeconds');
    const seconds = integerAt(toleration, 'tolerationSeconds');
    if (limit !== undefined && (seconds === undefined || seconds > limit)) return false;
  }
  switch (operator) {
    case '':
    case 'Equal':
      return textAt(toleration, 'operator') === 'Equal' && textAt(toleration, 'value') === textAt(wider, 'value');
    case 'Exists':
      return true;
    default:
      return false;
  }
}

function areEqual(a: JsonObject, b: JsonObject): boolean {
  const isEqualText = (field: string): boolean => textAt(a, field) === textAt(b, field);
  return (
    ['key', 'operator', 'value', 'effect'].every(isEqualText) &&
    integerAt(a, 'tolerationSeconds') === integerAt(b, 'tolerationSeconds')
  );
}
