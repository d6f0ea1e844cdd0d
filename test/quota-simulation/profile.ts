import type { ApiServerFaults, ObjectUsage } from './api-server.ts';
import type { StoreFaults } from './faulty-store.ts';
import type { WatchFaults } from './gate.ts';
import type { Breakage } from './history.ts';
import type { NetworkFaults } from './network.ts';
import type { Random } from './random.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What a history is like: how many of everything, and what goes wrong how often. */
export interface Profile {
  readonly shape: 'slices' | 'shared';
  readonly clusters: number;
  /** Of the gate, in each cluster, on one store. */
  readonly replicas: number;
  readonly quotas: ReadonlyMap<string, ObjectUsage>;
  readonly namespaces: ReadonlyMap<string, readonly string[]>;
  readonly actions: number;
  /** How long clients are at work. */
  readonly activeMilliseconds: number;
  readonly maxUsage: ObjectUsage;
  readonly onLeaseEnd: 'spend' | 'stop';
  readonly apiServer: Mutable<ApiServerFaults>;
  readonly network: Mutable<NetworkFaults>;
  readonly store: Mutable<StoreFaults>;
  readonly watch: Mutable<WatchFaults>;
  /** Nothing goes wrong. */
  readonly isCalm: boolean;
  readonly hasStoreFaults: boolean;
  /** Operations of a ledger in one commit. With one, all that a verdict was weighed against is written and can be seen. */
  readonly maxBatch: 1 | 256;
  /** Messages are written as text and read again; it costs as much as the rest. */
  readonly isOnWire: boolean;
  /** Probability that the webhook's answer takes seconds. */
  lateAnswer: number;
  readonly clockJumps: boolean;
  readonly incidents: Incidents;
}

export interface Incidents {
  readonly partitions: number;
  readonly pauses: number;
  readonly kills: number;
  readonly relabels: number;
  readonly hardChanges: number;
  readonly bypasses: number;
  readonly remakes: number;
  readonly lostJournals: number;
  /** Only where one cluster uses the ledger: with more, each would admit before the others are counted. */
  readonly lostLedgers: 0 | 1;
}

/** Breakages that only show against the faults, and those that show where nothing else is in the way. */
const calmShares: Partial<Record<Breakage, number>> = { 'key-by-review-uid': 0.7, 'sum-pending-updates': 1 };

/** A fifth of the histories are without faults, where every refusal is looked at most strictly; the others have some of them. */
export function profileOf(random: Random, breakage: Breakage | undefined): Profile {
  const isForgetting = breakage === 'forget-prepaid';
  const isCalm = random.chance(breakage === undefined ? 0.2 : (calmShares[breakage] ?? 0));
  const losesLedger =
    breakage === 'trust-what-is-charged' || (breakage === undefined && !isCalm && random.chance(0.05));
  const isSliced = !losesLedger && (breakage === 'regive-at-lease-end' || isForgetting || random.chance(0.65));
  const rate = (high: number, share = 0.35): number => (!isCalm && random.chance(share) ? random.next() * high : 0);
  const times = (high: number, share = 0.35): number => (!isCalm && random.chance(share) ? random.between(1, high) : 0);
  const store = {
    killedBefore: isForgetting ? 0.03 : rate(0.03),
    killedAfter: rate(0.03),
    failed: rate(0.05, 0.2),
    inDoubt: rate(0.05, 0.2),
  };
  const hasTwoQuotas = random.chance(losesLedger ? 0.2 : 0.5);
  const isLong = losesLedger || breakage === 'release-by-time-alone' || (!isCalm && random.chance(0.15));
  // Slices that are large enough for members to hold some of them for requests to come, and clients that use them.
  const isBusy = isForgetting || (isSliced && !isLong && random.chance(0.25));
  const size = isBusy ? 8 : 1;
  const quotas = new Map([['q0', { pods: size * random.between(2, 8), cpu: size * random.between(4, 16) }]]);
  if (hasTwoQuotas) quotas.set('q1', { pods: size * random.between(1, 6), cpu: size * random.between(3, 12) });
  const namespaces = new Map<string, readonly string[]>([['shop', ['q0']]]);
  if (random.chance(0.6)) namespaces.set('bank', hasTwoQuotas ? ['q0', 'q1'] : ['q0']);
  return {
    shape: isSliced ? 'slices' : 'shared',
    clusters: isBusy ? 2 : isSliced ? random.between(2, 3) : losesLedger ? 1 : random.between(1, 2),
    replicas: random.chance(0.3) ? 2 : 1,
    quotas,
    namespaces,
    actions: losesLedger ? random.between(60, 120) : (isBusy ? 2 : 1) * random.between(12, 30),
    activeMilliseconds: isLong ? 140_000 : isBusy ? 12_000 : 30_000,
    maxUsage: { pods: 1, cpu: random.between(1, 5) },
    onLeaseEnd: random.chance(0.3) ? 'stop' : 'spend',
    apiServer: {
      repeatedCall: rate(0.3),
      refusedElsewhere: rate(0.3),
      lateWrite: isForgetting ? 0.5 : rate(0.2),
      staleRead: rate(0.4),
    },
    network: { lost: rate(0.08), duplicated: rate(0.1), late: rate(0.05) },
    store,
    watch: {
      cut: isLong ? 0.3 : rate(0.1),
      cutMilliseconds: isLong ? 90_000 : 5000,
      staleList: rate(0.5),
      failedRead: rate(0.2),
      killedCounting: losesLedger ? 0.4 : rate(0.2),
      listMilliseconds: losesLedger ? 20_000 : rate(8000),
    },
    isCalm,
    maxBatch: random.chance(0.5) ? 1 : 256,
    isOnWire: random.chance(0.1),
    hasStoreFaults: Object.values(store).some((each) => each > 0),
    lateAnswer: rate(0.15),
    clockJumps: !isCalm && random.chance(0.3),
    incidents: {
      partitions: times(3),
      pauses: times(2),
      kills: times(2),
      relabels: times(2, 0.2),
      hardChanges: times(2, 0.25),
      bypasses: times(2, 0.15),
      remakes: times(1, 0.1),
      lostJournals: times(1, 0.1),
      lostLedgers: losesLedger ? 1 : 0,
    },
  };
}

/** Nothing goes wrong from now on. */
export function calmAll(profile: Profile): void {
  const { apiServer, network, store, watch } = profile;
  Object.assign(apiServer, { repeatedCall: 0, refusedElsewhere: 0, lateWrite: 0, staleRead: 0 });
  Object.assign(network, { lost: 0, duplicated: 0, late: 0 });
  Object.assign(store, { killedBefore: 0, killedAfter: 0, failed: 0, inDoubt: 0 });
  Object.assign(watch, { cut: 0, staleList: 0, failedRead: 0, killedCounting: 0, listMilliseconds: 0 });
  profile.lateAnswer = 0;
}
