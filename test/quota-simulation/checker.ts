import { readAllotment } from '../../src/quota/hub/allotment-memo.ts';
import { heldBy, poolOf } from '../../src/quota/hub/allotment.ts';
import { isPrepaid } from '../../src/quota/ledger/charge.ts';
import type { Verdict } from '../../src/quota/ledger/index.ts';
import type { LedgerChanges } from '../../src/quota/ledger/store.ts';
import type { ResourceList } from '../../src/usage/index.ts';
import type { ObjectUsage } from './api-server.ts';
import type { VirtualTime } from './virtual-time.ts';

const resources = ['pods', 'cpu'] as const;

/** The one ledger of all clusters, in place of a cluster. */
export const shared = 'all';

const nano = 1_000_000_000n;

/** Whole units of one resource of one quota in one cluster, or in all. */
type Figures = Map<string, number>;

/** What counts in a cluster. */
interface Held {
  readonly cluster: string;
  readonly usage: ObjectUsage;
}

/** A request while it is judged, and what was true meanwhile. */
export interface Window {
  readonly cluster: string;
  readonly began: number;
  /** The most that each cluster had charged, by quota, resource and cluster. */
  readonly spent: Figures;
  /** The most that the hub counted for each cluster. */
  readonly held: Figures;
  /** The least that the quota allowed. */
  readonly hard: Figures;
}

/**
 * What must hold at every instant, looked at from outside: the objects that live, every write that became durable, and every
 * answer.
 */
export class Checker {
  readonly violations: string[] = [];
  readonly #time: VirtualTime;
  readonly #isLive: (uid: string) => boolean;
  readonly #released = new Set<string>();
  readonly #hard: Figures = new Map();
  /** What may live at most: the limit, or what was granted before it was lowered and is not back yet. */
  readonly #cap: Figures = new Map();
  readonly #live: Figures = new Map();
  readonly #spent: Figures = new Map();
  readonly #held: Figures = new Map();
  readonly #windows = new Set<Window>();
  /** Objects that some ledger holds a charge for, by uid. */
  readonly #written = new Set<string>();
  /** Objects that were let in, live or may still be stored, and have no charge. */
  readonly #unwritten = new Map<string, Held & { readonly namespace: string; readonly quotas: readonly string[] }>();
  /** What is held for them, and for others to come. */
  readonly #blocks = new Map<string, Held & { readonly quotas: readonly string[] }>();

  constructor(time: VirtualTime, isLive: (uid: string) => boolean) {
    this.#time = time;
    this.#isLive = isLive;
  }

  report(violation: string): void {
    this.violations.push(`at ${Math.round(this.#time.now)} ms: ${violation}`);
  }

  #setHard(quota: string, hard: ReadonlyMap<string, bigint>): void {
    for (const resource of resources) {
      const key = `${quota}/${resource}`;
      const limit = units(hard.get(resource));
      if (this.#hard.get(key) === limit) continue;
      this.#hard.set(key, limit);
      this.#cap.set(key, Math.max(limit, this.#cap.get(key) ?? 0));
      for (const window of this.#windows) lower(window.hard, key, limit);
    }
  }

  /** (a) What lives of what was admitted under a quota. */
  liveChanged(quota: string, sum: ObjectUsage): void {
    for (const resource of resources) {
      const key = `${quota}/${resource}`;
      const before = this.#live.get(key) ?? 0;
      this.#live.set(key, sum[resource]);
      const cap = this.#cap.get(key) ?? 0;
      if (sum[resource] > cap && sum[resource] > before) {
        this.report(`(a) ${sum[resource]} ${resource} live under ${quota}, of which no more than ${cap} may`);
      }
    }
  }

  /** A ledger that decides for a cluster, or for all when `cluster` is `''`, has written. */
  committed(cluster: string, isShared: boolean, changes: LedgerChanges): void {
    if (isShared)
      for (const { id, quota } of changes.quotas) if (quota !== null) this.#setHard(id, nanoOf(quota.terms.hard));
    for (const { quota, cluster: place, namespace, balance } of changes.accounts) {
      if (place !== '' || namespace !== '') continue;
      for (const resource of resources) {
        const spent = units(balance.used.get(resource)) + units(balance.reserved.get(resource));
        const key = `${quota}/${resource}`;
        raise(this.#spent, this.#windows, 'spent', `${key}/${cluster}`, spent);
        if (isShared && spent <= (this.#hard.get(key) ?? 0)) this.#cap.set(key, this.#hard.get(key) ?? 0);
      }
    }
    this.#noteWritten(changes);
    for (const { key, charge } of changes.charges) {
      if (charge?.released?.reason !== 'never-stored') continue;
      if (this.#isLive(key.uid)) this.report(`(I5) ${key.uid} lives and is charged no more`);
      this.#released.add(key.uid);
    }
  }

  /** A request was let in: what it takes is written, or held where it will be missed by nobody. */
  answered(
    cluster: string,
    { uid, namespace, usage }: { readonly uid: string; readonly namespace: string; readonly usage: ObjectUsage },
    quotas: readonly string[],
  ): void {
    if (this.#written.has(uid)) return;
    this.#unwritten.set(uid, { cluster, namespace, quotas, usage });
    this.#checkHeld(cluster);
  }

  /** The object of this uid does not live, and never will. */
  ended(uid: string): void {
    this.#unwritten.delete(uid);
  }

  relabelled(namespace: string): void {
    for (const [uid, each] of this.#unwritten) if (each.namespace === namespace) this.#unwritten.delete(uid);
  }

  lostDisk(cluster: string): void {
    for (const held of [this.#unwritten, this.#blocks]) {
      for (const [uid, each] of held) if (each.cluster === cluster) held.delete(uid);
    }
  }

  /** (I3) */
  #checkHeld(cluster: string): void {
    const sums = (held: Iterable<Held & { readonly quotas: readonly string[] }>): Figures => {
      const figures: Figures = new Map();
      for (const each of held) {
        if (each.cluster !== cluster) continue;
        for (const quota of each.quotas) {
          for (const resource of resources) {
            const key = `${quota}/${resource}`;
            figures.set(key, (figures.get(key) ?? 0) + each.usage[resource]);
          }
        }
      }
      return figures;
    };
    const held = sums(this.#blocks.values());
    for (const [key, owed] of sums(this.#unwritten.values())) {
      if (owed <= (held.get(key) ?? 0)) continue;
      const uids = [...this.#unwritten.keys()].join();
      this.report(
        `(I3) ${cluster} let in ${owed} of ${key} that are not written, and holds ${held.get(key) ?? 0}: ${uids}`,
      );
    }
  }

  #noteWritten({ charges }: LedgerChanges): void {
    for (const { key, charge } of charges) {
      if (isPrepaid(key)) {
        const [pending] = charge?.pending ?? [];
        if (pending === undefined) this.#blocks.delete(key.uid);
        else {
          const usage = { pods: units(pending.amounts.get('pods')), cpu: units(pending.amounts.get('cpu')) };
          this.#blocks.set(key.uid, { cluster: key.cluster, quotas: pending.quotas, usage });
        }
      } else if (charge === null) this.#written.delete(key.uid);
      else {
        this.#written.add(key.uid);
        this.#unwritten.delete(key.uid);
      }
    }
    for (const cluster of new Set(charges.map(({ key }) => key.cluster))) this.#checkHeld(cluster);
  }

  /** An object was stored. */
  stored(uid: string): void {
    if (this.#released.has(uid)) this.report(`(I5) ${uid} was stored after it was found never to be`);
  }

  /** The hub has written how a quota is shared out. */
  hubCommitted(changes: LedgerChanges): void {
    for (const { id, quota } of changes.quotas) {
      if (quota === null) continue;
      const allotment = readAllotment(id, quota.memo);
      const hard = nanoOf(quota.terms.hard);
      this.#setHard(id, hard);
      const pool = poolOf(hard, allotment);
      for (const resource of resources) {
        const key = `${id}/${resource}`;
        const limit = this.#hard.get(key) ?? 0;
        if ((pool.get(resource) ?? 0n) >= 0n) this.#cap.set(key, limit);
        for (const [cluster, slice] of allotment.slices) {
          raise(this.#held, this.#windows, 'held', `${key}/${cluster}`, units(heldBy(slice).get(resource)));
        }
        for (const [cluster, retired] of allotment.retired) {
          const sum = retired.reduce((total, { amounts }) => total + units(amounts.get(resource)), 0);
          raise(this.#held, this.#windows, 'held', `${key}/${cluster}#retired`, sum);
        }
      }
    }
  }

  begin(cluster: string): Window {
    const window = {
      cluster,
      began: this.#time.now,
      spent: new Map(this.#spent),
      held: new Map(this.#held),
      hard: new Map(this.#hard),
    };
    this.#windows.add(window);
    return window;
  }

  end(window: Window): void {
    this.#windows.delete(window);
  }

  /**
   * (b) Whether a refusal was right: with each cluster at its own fullest moment while it was judged, something did not fit. Of a
   * cluster that could not be asked, all that it held counts.
   */
  checkRefusal(
    { spent, held, hard, cluster }: Window,
    verdict: Verdict,
    isDisturbed: (cluster: string) => boolean,
    canReachHub: boolean,
    /** Whether all that a ledger weighed a verdict against was written. */
    isAllSeen: boolean,
    /** What the old object of an update uses, which is booked with it when no watch has told of it. */
    booked: ObjectUsage,
    /** The most that a ledger can rightly hold in a cluster. */
    mostOf: (quota: string, resource: keyof ObjectUsage, cluster: string) => number,
  ): void {
    const isRight = verdict.refusals.some(({ quota, cause, requested }) => {
      if (cause === 'hub-unreachable') return !canReachHub;
      return [...requested].some(([resource, quantity]) => {
        const key = `${quota}/${resource}`;
        let most = booked[resource as keyof ObjectUsage];
        const clusters = new Set([...spent.keys(), ...held.keys()].filter((each) => each.startsWith(`${key}/`)));
        for (const each of clusters) {
          const id = each.slice(key.length + 1);
          const rightly = mostOf(quota, resource as keyof ObjectUsage, id === shared ? '' : id);
          const known = isAllSeen ? Math.min(spent.get(each) ?? 0, rightly) : rightly;
          const isUnknown = id.endsWith('#retired') || isDisturbed(id);
          most += isUnknown ? Math.max(known, held.get(each) ?? 0) : known;
        }
        return most + units(quantity.nano()) > (hard.get(key) ?? 0);
      });
    });
    if (isRight) return;
    const asked = verdict.refusals.map(
      ({ quota, cause, requested, detail = '' }) =>
        `${quota} (${cause}): ${[...requested].map(([n, q]) => `${n}=${String(q)}`).join()} ${detail}`,
    );
    const facts = JSON.stringify({ spent: [...spent], held: [...held], hard: [...hard] });
    this.report(`(b) a request of ${cluster} was refused without reason: ${asked.join('; ')}; ${facts}`);
  }

  forgetCluster(cluster: string): void {
    for (const figures of [this.#spent, this.#held]) {
      for (const key of figures.keys()) {
        if (key.endsWith(`/${cluster}`) || key.endsWith(`/${cluster}#retired`)) figures.set(key, 0);
      }
    }
  }
}

/** Pods or CPUs; what blocks and slices hold may be a fraction. */
export function units(amount: bigint | undefined): number {
  return Number(amount ?? 0n) / Number(nano);
}

function nanoOf(list: ResourceList): ReadonlyMap<string, bigint> {
  return new Map([...list].map(([name, quantity]) => [name, quantity.nano()]));
}

function lower(figures: Figures, key: string, value: number): void {
  figures.set(key, Math.min(value, figures.get(key) ?? Infinity));
}

function raise(now: Figures, windows: Iterable<Window>, name: 'spent' | 'held', key: string, value: number): void {
  now.set(key, value);
  for (const window of windows) window[name].set(key, Math.max(value, window[name].get(key) ?? 0));
}
