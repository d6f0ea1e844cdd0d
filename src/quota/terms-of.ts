import type { GlobalQuota } from './global-quota.ts';
import type { QuotaTerms } from './ledger/index.ts';

/** What the ledger has to know of a quota. */
export function termsOf(quota: GlobalQuota): QuotaTerms {
  const { id, name, generation, hard, perCluster, perNamespace, mode, warnAtPercent } = quota;
  return {
    id,
    name,
    generation,
    hard,
    ...(perCluster.size > 0 && { perCluster }),
    ...(perNamespace.size > 0 && { perNamespace }),
    mode,
    ...(warnAtPercent > 0 && { warnAtPercent }),
  };
}
