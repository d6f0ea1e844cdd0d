import { latencyBuckets, type Metrics } from '../../telemetry/index.ts';
import { amountGauge } from '../amount-gauge.ts';
import type { MemberEvents } from './member-events.ts';
import type { MemberStatus } from './member.ts';

/** The figures of a member: its slices, as `status` tells them when figures are read, and its dealings with the hub. */
export function memberMetrics(metrics: Metrics, status: () => Promise<readonly MemberStatus[]>): MemberEvents {
  const size = amountGauge(metrics, {
    name: 'sallyport_quota_slice_size',
    help: 'What this cluster may admit of each quota in all, in the unit of the resource.',
  });
  const free = amountGauge(metrics, {
    name: 'sallyport_quota_slice_free',
    help: 'What this cluster may admit of each quota before it has to ask the hub, in the unit of the resource.',
  });
  metrics.beforeRead(async () => {
    // Of a journal that cannot be read nothing is told.
    const slices = await status().catch(() => []);
    size(
      slices.map(({ name, slice, resources }) => ({
        quota: name,
        amounts: only(resources, (each) => slice.get(each)),
      })),
    );
    free(
      slices.map(({ name, slice, spent, resources }) => {
        const left = (resource: string): bigint => (slice.get(resource) ?? 0n) - (spent.get(resource) ?? 0n);
        return { quota: name, amounts: only(resources, (each) => (left(each) > 0n ? left(each) : 0n)) };
      }),
    );
  });
  const asks = metrics.counter({
    name: 'sallyport_quota_hub_asks_total',
    help: 'Requests that did not fit into a slice, by what the hub said: fits, exceeded, at-ceiling, unreachable.',
    labels: ['outcome'],
  });
  const asking = metrics.histogram(
    {
      name: 'sallyport_quota_hub_ask_duration_seconds',
      help: 'How long questions to the hub took, of many requests each.',
    },
    latencyBuckets,
  );
  const grants = metrics.counter({
    name: 'sallyport_quota_slice_grants_total',
    help: 'How often the hub made a slice larger.',
  });
  const returns = metrics.counter({
    name: 'sallyport_quota_slice_returns_total',
    help: 'How often part of a slice was given back, by cause: idle, recall, debt.',
    labels: ['cause'],
  });
  const recalls = metrics.counter({
    name: 'sallyport_quota_slice_recalls_total',
    help: 'How often the hub asked for what is idle.',
  });
  return {
    asked({ outcomes, milliseconds }) {
      for (const outcome of outcomes) asks.increment({ outcome });
      asking.observe({}, milliseconds / 1000);
    },
    granted: () => grants.increment({}),
    gaveBack: (cause) => returns.increment({ cause }),
    recalled: () => recalls.increment({}),
  };
}

function only(resources: readonly string[], amountOf: (resource: string) => bigint | undefined): Map<string, bigint> {
  return new Map(resources.map((resource) => [resource, amountOf(resource) ?? 0n]));
}
