import type { Metrics } from '../telemetry/index.ts';

/** Amounts of one quota by resource, in 10^-9 of their unit; what is nothing is among them. */
export interface QuotaAmounts {
  readonly quota: string;
  readonly amounts: ReadonlyMap<string, bigint>;
}

/** Quotas with a label of their own; the rest counts as `other`, all together. */
const maxQuotas = 500;
const nanosPerUnit = 1e9;

/** A gauge by quota and resource. What is set takes the place of all that was. */
export function amountGauge(
  metrics: Metrics,
  definition: { readonly name: string; readonly help: string },
): (all: readonly QuotaAmounts[]) => void {
  const gauge = metrics.gauge({ ...definition, labels: ['quota', 'resource'] });
  return (all) => {
    gauge.clear();
    const sums = new Map<string, Map<string, bigint>>();
    all.forEach(({ quota, amounts }, index) => {
      const label = index < maxQuotas ? quota : 'other';
      const sum = sums.get(label) ?? new Map<string, bigint>();
      for (const [resource, amount] of amounts) sum.set(resource, (sum.get(resource) ?? 0n) + amount);
      sums.set(label, sum);
    });
    for (const [quota, sum] of sums) {
      for (const [resource, amount] of sum) gauge.set({ quota, resource }, Number(amount) / nanosPerUnit);
    }
  };
}
