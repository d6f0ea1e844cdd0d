import { resourceListOf } from '../ledger/amounts.ts';
import type { QuotaReader } from '../status.ts';
import type { Hub } from './hub.ts';

/** A hub as the status of GlobalQuota objects is made from it: what members reported last, reservations included in `used`. */
export function hubReader(hub: Hub): QuotaReader {
  return {
    async placesOf(quotaId) {
      const shares = (await hub.shares()).find(({ quota }) => quota === quotaId);
      return (shares?.clusters ?? []).flatMap(({ name, namespaces }) =>
        [...namespaces]
          .filter(([, used]) => used.size > 0)
          .map(([namespace, used]) => ({
            cluster: name,
            namespace,
            used: resourceListOf(used),
            reserved: new Map(),
          })),
      );
    },
  };
}
