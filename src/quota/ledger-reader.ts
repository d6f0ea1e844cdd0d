import type { Ledger } from './ledger/index.ts';
import type { QuotaReader } from './status.ts';

/** A ledger as the status of GlobalQuota objects is made from it. */
export function ledgerReader(ledger: Pick<Ledger, 'standing' | 'clusters'>): QuotaReader {
  return {
    async placesOf(quotaId) {
      const standing = await ledger.standing(quotaId);
      if (standing === undefined) return [];
      const names = new Map((await ledger.clusters()).map(({ id, name }) => [id, name]));
      return standing.byNamespace
        .filter(({ used, reserved }) => used.size + reserved.size > 0)
        .map(({ cluster, ...place }) => ({ ...place, cluster: names.get(cluster) ?? cluster }));
    },
  };
}
