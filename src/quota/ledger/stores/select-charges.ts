import type { Charge, ChargeKey } from '../charge.ts';
import type { ChargeQuery } from '../store.ts';

/** What {@link LedgerStore.charges} returns, for stores that hold all of them. */
export function selectCharges(charges: Iterable<Charge>, query: ChargeQuery): Charge[] {
  return [...charges]
    .filter((charge) => matchesQuery(charge, query))
    .sort((a, b) => compareKeys(a.key, b.key))
    .slice(0, query.limit);
}

function matchesQuery(charge: Charge, query: ChargeQuery): boolean {
  const { cluster, resource, namespace, open, releasedBefore, after } = query;
  const { key, released } = charge;
  return (
    (cluster === undefined || key.cluster === cluster) &&
    (resource === undefined || key.resource === resource) &&
    (namespace === undefined || charge.namespace === namespace) &&
    (open !== true || charge.pending.length > 0) &&
    (releasedBefore === undefined ? released === null : released !== null && released.at < releasedBefore) &&
    (after === undefined || compareKeys(key, after.key) > 0)
  );
}

function compareKeys(a: ChargeKey, b: ChargeKey): number {
  return compareTexts(a.cluster, b.cluster) || compareTexts(a.resource, b.resource) || compareTexts(a.uid, b.uid);
}

/** Ids are ASCII, for which UTF-16 order is byte order. */
function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
