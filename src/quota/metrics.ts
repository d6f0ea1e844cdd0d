import { latencyBuckets, type Metrics } from '../telemetry/index.ts';
import type { LedgerEvents } from './ledger/index.ts';
import type { ObserverMetrics } from './observer.ts';

/** The figures of quota in one process: of its ledger, of what it sees in its cluster, and of its webhook. */
export interface QuotaMetrics {
  readonly ledger: LedgerEvents;
  readonly observer: ObserverMetrics;
  readonly fault: (outcome: 'refused' | 'allowed') => void;
}

/** Operations in one commit; the ledger takes 256 at most. */
const batchBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256];

export function quotaMetrics(metrics: Metrics): QuotaMetrics {
  return { ledger: ledgerMetrics(metrics), observer: observerMetrics(metrics), fault: faultMetric(metrics) };
}

/** Of a ledger by itself, as a hub has it. */
export function ledgerMetrics(metrics: Metrics): LedgerEvents {
  const verdicts = metrics.counter({
    name: 'sallyport_quota_verdicts_total',
    help: 'What the ledger said: allowed, or the cause of a refusal (hard, perCluster, perNamespace, hub-unreachable).',
    labels: ['verdict', 'dry_run'],
  });
  const observed = metrics.counter({
    name: 'sallyport_quota_observations_total',
    help: 'Objects seen in the cluster, by what the ledger made of them: confirmed, discovered, changed, unchanged, gone.',
    labels: ['outcome'],
  });
  const late = metrics.counter({
    name: 'sallyport_quota_late_confirmations_total',
    help: 'Objects that appeared after their reservation had been let go. Must stay 0.',
  });
  const settled = metrics.counter({
    name: 'sallyport_quota_settlements_total',
    help: 'Old reservations and charges held against a consistent read, by what came of it; released were never stored.',
    labels: ['outcome'],
  });
  const gaveBack = metrics.counter({
    name: 'sallyport_quota_given_back_total',
    help: 'Reservations freed because their caller had left, or another webhook of this gate refused the object.',
  });
  const commits = metrics.histogram(
    {
      name: 'sallyport_quota_commit_duration_seconds',
      help: 'Time of one commit of the ledger, of many operations.',
      labels: ['failed'],
    },
    latencyBuckets,
  );
  const batches = metrics.histogram(
    { name: 'sallyport_quota_commit_operations', help: 'Operations in one commit of the ledger.' },
    batchBuckets,
  );
  // Zero is what must be seen to stay.
  late.increment({}, 0);
  return {
    decided({ allowed, refusals }, { dryRun }) {
      const dry_run = dryRun ? 'true' : 'false';
      if (allowed) verdicts.increment({ verdict: 'allowed', dry_run });
      else verdicts.increment({ verdict: refusals[0]?.cause ?? 'hard', dry_run });
    },
    observed(outcome) {
      if (outcome === 'late') late.increment({});
      observed.increment({ outcome });
    },
    settled(outcome) {
      if (outcome === 'late') late.increment({});
      settled.increment({ outcome });
    },
    gaveBack: () => gaveBack.increment({}),
    committed({ operations, milliseconds, failed }) {
      commits.observe({ failed: failed ? 'true' : 'false' }, milliseconds / 1000);
      batches.observe({}, operations);
    },
  };
}

function observerMetrics(metrics: Metrics): ObserverMetrics {
  const open = metrics.gauge({
    name: 'sallyport_quota_open_reservations',
    help: 'Reservations of this cluster that nothing was seen of yet.',
  });
  const stranded = metrics.gauge({
    name: 'sallyport_quota_stranded_reservations',
    help: 'Old reservations that stay charged because the cluster cannot be read.',
  });
  const unsynced = metrics.gauge({
    name: 'sallyport_quota_unsynced_resources',
    help: 'Resources that a quota counts and whose objects are not known yet.',
  });
  const drift = metrics.counter({
    name: 'sallyport_quota_drift_total',
    help: 'Charges that a recount had to mend, by what was wrong: charged and gone, discovered, changed.',
    labels: ['kind'],
  });
  const uncountable = metrics.gauge({
    name: 'sallyport_quota_uncountable_objects',
    help: 'Objects whose usage could not be made out at the last recount. What was charged for them stays charged.',
    labels: ['resource'],
  });
  const inDebt = metrics.gauge({
    name: 'sallyport_quotas_in_debt',
    help: 'Quotas of this cluster of which more is used than their limit.',
  });
  return {
    inDebt: (quotas) => inDebt.set({}, quotas),
    open(reservations, strandedReservations) {
      open.set({}, reservations);
      stranded.set({}, strandedReservations);
    },
    unsynced: (resources) => unsynced.set({}, resources.length),
    recounted({ gone, discovered, changed, uncountable: objects }, resource) {
      uncountable.set({ resource }, objects);
      for (const [kind, count] of Object.entries({ gone, discovered, changed })) drift.increment({ kind }, count);
    },
  };
}

function faultMetric(metrics: Metrics): QuotaMetrics['fault'] {
  const faults = metrics.counter({
    name: 'sallyport_quota_faults_total',
    help: 'Writes for which the ledger gave no verdict, by what became of them.',
    labels: ['outcome'],
  });
  return (outcome) => faults.increment({ outcome });
}
