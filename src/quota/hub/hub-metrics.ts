import { latencyBuckets, type Metrics } from '../../telemetry/index.ts';
import { amountGauge, type QuotaAmounts } from '../amount-gauge.ts';
import type { Amounts } from '../ledger/amounts.ts';
import type { ClusterShare, QuotaShares } from './hub.ts';
import type { HubEvents } from './hub-events.ts';

export interface HubFigures {
  /** Asked when figures are read. */
  readonly shares: () => Promise<readonly QuotaShares[]>;
  /** A cluster that was not heard for longer is silent. */
  readonly leaseMilliseconds: number;
}

/** Needs in one message; a member sends 256 at most. */
const needBuckets = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256];

/** The figures of a hub: how quotas are shared out, and its dealings with members. */
export function hubMetrics(
  metrics: Metrics,
  { shares, leaseMilliseconds }: HubFigures,
): Omit<HubEvents, 'usageChanged'> {
  const pool = amountGauge(metrics, {
    name: 'sallyport_quota_hub_pool',
    help: 'What no cluster holds of each quota, in the unit of the resource.',
  });
  const debt = amountGauge(metrics, {
    name: 'sallyport_quota_hub_debt',
    help: 'What clusters hold or use of each quota beyond its limit, in the unit of the resource.',
  });
  const stranded = amountGauge(metrics, {
    name: 'sallyport_quota_hub_stranded',
    help:
      'What lies idle of each quota and cannot be had, in the unit of the resource: in slices of clusters that were not heard ' +
      'for longer than their lease, and of journals that were lost.',
  });
  const silent = metrics.gauge({
    name: 'sallyport_quota_hub_silent_clusters',
    help: 'Clusters that hold something and were not heard for longer than their lease.',
  });
  metrics.beforeRead(async () => {
    // Of a store that cannot be read nothing is told.
    const all = await shares().catch(() => []);
    const isSilent = ({ silentMilliseconds }: ClusterShare): boolean =>
      silentMilliseconds === undefined || silentMilliseconds > leaseMilliseconds;
    const holding = all.flatMap(({ clusters }) =>
      clusters.filter(({ slice, retired }) => slice.size + retired.size > 0),
    );
    const of = (amountOf: (shares: QuotaShares, resource: string) => bigint): QuotaAmounts[] =>
      all.map((each) => {
        const amounts = [...each.hard.keys()].map((name): [string, bigint] => {
          const amount = amountOf(each, name);
          return [name, amount > 0n ? amount : 0n];
        });
        return { quota: each.name, amounts: new Map(amounts) };
      });
    pool(of((each, name) => each.pool.get(name) ?? 0n));
    debt(of((each, name) => -(each.pool.get(name) ?? 0n)));
    stranded(
      of(({ clusters }, name) =>
        clusters.reduce(
          (sum, cluster) => sum + lost(cluster.retired, name) + (isSilent(cluster) ? idle(cluster, name) : 0n),
          0n,
        ),
      ),
    );
    silent.set({}, new Set(holding.filter(isSilent).map(({ id }) => id)).size);
  });
  const needs = metrics.counter({
    name: 'sallyport_quota_hub_needs_total',
    help: 'Requests for which members asked, by how they were met: fits, exceeded, at-ceiling.',
    labels: ['outcome'],
  });
  const batches = metrics.histogram(
    { name: 'sallyport_quota_hub_message_needs', help: 'Requests in one message of a member; 0 in a mere report.' },
    needBuckets,
  );
  const answers = metrics.histogram(
    {
      name: 'sallyport_quota_hub_message_duration_seconds',
      help: 'From a message of a member to its answer, with what had to be waited for until idle slices came back.',
    },
    latencyBuckets,
  );
  const grants = metrics.counter({
    name: 'sallyport_quota_hub_grants_total',
    help: 'How often a slice was made larger.',
  });
  const returns = metrics.counter({
    name: 'sallyport_quota_hub_returns_total',
    help: 'How often a member gave part of a slice back.',
  });
  const recalls = metrics.counter({
    name: 'sallyport_quota_hub_recalls_total',
    help: 'Rounds that asked for idle slices, by whether every cluster answered in time: answered, silence.',
    labels: ['outcome'],
  });
  const rounds = metrics.histogram(
    { name: 'sallyport_quota_hub_recall_duration_seconds', help: 'How long rounds that asked for idle slices took.' },
    latencyBuckets,
  );
  return {
    answered({ fits, milliseconds }) {
      for (const outcome of fits) needs.increment({ outcome });
      batches.observe({}, fits.length);
      answers.observe({}, milliseconds / 1000);
    },
    granted: () => grants.increment({}),
    returned: () => returns.increment({}),
    recalled({ silent: unheard, milliseconds }) {
      recalls.increment({ outcome: unheard === 0 ? 'answered' : 'silence' });
      rounds.observe({}, milliseconds / 1000);
    },
  };
}

function lost(retired: Amounts, name: string): bigint {
  return retired.get(name) ?? 0n;
}

function idle({ slice, used }: ClusterShare, name: string): bigint {
  const left = (slice.get(name) ?? 0n) - (used.get(name) ?? 0n);
  return left > 0n ? left : 0n;
}
