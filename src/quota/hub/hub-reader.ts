import { resourceListOf } from '../ledger/amounts.ts';
import type { QuotaReader } from '../status.ts';
import type { Hub } from './hub.ts';

/** A hub as the status of GlobalQuota objects is made from it: what members reported last, reservations included in `used`. */
export function hubReader(hub: Pick<Hub, 'placesOf'>): QuotaReader {
  return {
    placesOf(quotaId) {
      const places = [...hub.placesOf(quotaId)].flatMap(([cluster, namespaces]) =>
        [...namespaces]
          .filter(([, used]) => used.size > 0)
          .map(([namespace, used]) => ({ cluster, namespace, used: resourceListOf(used), reserved: new Map() })),
      );
      return Promise.resolve(places);
    },
  };
}
