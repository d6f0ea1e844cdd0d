import { Quantity } from '../../src/api/quantity.ts';
import type { Census, Ledger, Observation, Reservation, Verdict } from '../../src/quota/ledger/index.ts';
import type { ResourceList } from '../../src/usage/index.ts';
import type { LiveObject, ObjectUsage, Review, SimulatedApiServer } from './api-server.ts';
import type { Random } from './random.ts';
import type { Process } from './virtual-time.ts';

/** What goes wrong with the watch, each by its probability. */
export interface WatchFaults {
  /** The watch ends, and a list takes its place after a while. */
  readonly cut: number;
  /** How long that takes at most. */
  readonly cutMilliseconds: number;
  /** That list comes from a cache that is behind. */
  readonly staleList: number;
  /** A consistent read fails. */
  readonly failedRead: number;
  /** The process is killed after an object of its first count. */
  readonly killedCounting: number;
  /** How long a list of the whole cluster takes at most. */
  readonly listMilliseconds: number;
}

/** What is broken on purpose. */
export interface GateBreakages {
  readonly releasesByTimeAlone?: boolean;
  readonly keysByReviewUid?: boolean;
  readonly sumsPendingUpdates?: boolean;
  readonly trustsWhatIsCharged?: boolean;
}

export interface SimulatedGateOptions {
  readonly process: Process;
  readonly cluster: string;
  readonly apiServer: SimulatedApiServer;
  readonly ledger: Ledger;
  readonly reserve: (
    reservation: Reservation,
    options: { readonly signal: AbortSignal; readonly afterAbort: 'give-back' },
  ) => Promise<Verdict>;
  /** The quotas that objects of a namespace fall under, as this gate knows. */
  readonly quotasOf: (namespace: string) => readonly string[];
  readonly random: Random;
  readonly faults: WatchFaults;
  readonly breakages: GateBreakages;
  /** Kills the process, and has it started anew some time later. */
  readonly kill: () => void;
}

/** A reply is on its way for a while, and the API server's time includes that. */
const replyMilliseconds = 200;
const settleMilliseconds = 10_000;
const recountMilliseconds = 60_000;

/** One replica of the gate: its webhook, and its observer of the cluster. */
export class SimulatedGate {
  readonly #options: SimulatedGateOptions;
  /** resourceVersion up to which the watch has told; undefined while there is no watch. */
  #position: number | undefined;
  #isTelling = false;

  constructor(options: SimulatedGateOptions) {
    this.#options = options;
  }

  start(): void {
    this.#options.process.after(this.#listTime(), () => this.#list());
    this.#repeat(settleMilliseconds, () => this.#settle());
    this.#repeat(recountMilliseconds, () => this.recount());
    void this.recount().catch(() => undefined);
  }

  /** Returns when all that lives has been told, by this process or by one before it. */
  async count(quotas: readonly string[]): Promise<void> {
    const { cluster, ledger, apiServer, random, faults, kill } = this.#options;
    const censuses = await Promise.all(
      quotas.map((id) => ledger.beginCensus(id, cluster, 'everything', { name: cluster, labels: {} })),
    );
    if (await this.#isCounted(quotas, censuses)) return;
    for (const object of apiServer.listAt(apiServer.resourceVersion)) {
      await this.#observe([this.#present(object)]);
      if (!random.chance(faults.killedCounting)) continue;
      kill();
      return new Promise(() => undefined);
    }
    while (!(await this.recount()));
    for (const [index, id] of quotas.entries()) {
      await ledger.markCounted(id, cluster, censuses[index]?.stamp ?? '', 'pods');
    }
  }

  async #isCounted(quotas: readonly string[], censuses: readonly Census[]): Promise<boolean> {
    const { cluster, ledger, breakages } = this.#options;
    if (breakages.trustsWhatIsCharged !== true) return censuses.every(({ resources }) => resources.has('pods'));
    const standings = await Promise.all(quotas.map((id) => ledger.standing(id)));
    return standings.every((standing) => standing?.byCluster.has(cluster) === true);
  }

  /** What the webhook says. Rejects when it has no verdict: a fault. */
  async review(review: Review, timeoutMilliseconds: number): Promise<Verdict> {
    const { process, reserve } = this.#options;
    const deadline = new AbortController();
    const cancel = process.after(timeoutMilliseconds - replyMilliseconds, () => deadline.abort(new Error('deadline')));
    try {
      return await reserve(this.#reservationOf(review), { signal: deadline.signal, afterAbort: 'give-back' });
    } finally {
      cancel();
    }
  }

  /** The API server tells that something changed. */
  changed(): void {
    const { process, random, faults } = this.#options;
    if (this.#position === undefined) return;
    if (random.chance(faults.cut)) {
      this.#position = undefined;
      process.after(random.between(100, faults.cutMilliseconds), () => this.#list());
      return;
    }
    process.after(random.between(1, 60), () => void this.#tell());
  }

  /** False when the cluster could not be read. */
  async recount(): Promise<boolean> {
    const { ledger, cluster, apiServer, process, random, faults } = this.#options;
    const listBegan = ledger.now();
    await this.#roundTrip();
    await new Promise<void>((resolve) => process.after(this.#listTime(), resolve));
    if (random.chance(faults.failedRead)) return false;
    const objects = apiServer.listAt(apiServer.resourceVersion).map((object) => ({
      uid: object.uid,
      name: object.name,
      namespace: object.namespace,
      ...this.#seen(object),
    }));
    const resourceVersion = BigInt(apiServer.resourceVersion);
    await new Promise<void>((resolve) => process.after(random.between(1, 50), resolve));
    await ledger.recount({ cluster, resource: 'pods', listBegan, resourceVersion, objects });
    return true;
  }

  #list(): void {
    const { apiServer, random, faults } = this.#options;
    const now = apiServer.resourceVersion;
    const at = random.chance(faults.staleList) ? random.between(Math.max(0, now - 4), now) : now;
    const objects = apiServer.listAt(at);
    void this.#observe(objects.map((object) => this.#present(object))).catch(() => undefined);
    this.#position = at;
    void this.#tell();
  }

  async #tell(): Promise<void> {
    const { apiServer, process } = this.#options;
    if (this.#isTelling) return;
    this.#isTelling = true;
    try {
      for (;;) {
        const from = this.#position;
        const to = apiServer.resourceVersion;
        if (from === undefined || from >= to) return;
        const events = apiServer.events.slice(from, to);
        await this.#observe(
          events.map(({ type, object }) => (type === 'DELETED' ? this.#gone(object) : this.#present(object))),
        );
        if (this.#position === from) this.#position = to;
      }
    } catch {
      process.after(1000, () => void this.#tell());
    } finally {
      this.#isTelling = false;
    }
  }

  async #observe(observations: Observation[]): Promise<void> {
    if (observations.length > 0) await this.#options.ledger.observe(observations);
  }

  /** Namespaces have other labels: tells of all objects anew. */
  async relabelled(): Promise<void> {
    const { apiServer } = this.#options;
    await this.#observe(
      apiServer.listAt(this.#position ?? apiServer.resourceVersion).map((each) => this.#present(each)),
    );
  }

  async #settle(): Promise<void> {
    const { ledger, cluster, apiServer, random, faults, breakages } = this.#options;
    const open = (await ledger.openReservations({ cluster })).filter(({ isDue }) => isDue);
    if (open.some(({ isPrepaid }) => isPrepaid)) {
      await this.recount();
      return;
    }
    if (open.length === 0) return;
    const readBegan = ledger.now();
    await this.#roundTrip();
    if (breakages.releasesByTimeAlone !== true && random.chance(faults.failedRead)) return;
    const settled = open.map(({ key, namespace }) => {
      const object = breakages.releasesByTimeAlone === true ? undefined : apiServer.objects.get(key.uid);
      const found = object === undefined ? null : { ...this.#seen(object), name: object.name };
      return { key, namespace, readBegan, found };
    });
    await this.#roundTrip();
    await ledger.settle(settled);
  }

  #reservationOf({ uid, object, oldObject, dryRun }: Review): Reservation {
    const { cluster, breakages } = this.#options;
    const isSummed = breakages.sumsPendingUpdates === true && oldObject !== undefined;
    const key = breakages.keysByReviewUid === true || isSummed ? uid : object.uid;
    const quotas = this.#options.quotasOf(object.namespace);
    return {
      key: { cluster, resource: 'pods', uid: key },
      namespace: object.namespace,
      name: object.name,
      attempt: uid,
      usage: usageList(isSummed ? growthOf(oldObject.usage, object.usage) : object.usage),
      quotas,
      ...(oldObject !== undefined &&
        !isSummed && {
          old: {
            usage: usageList(oldObject.usage),
            quotas,
            resourceVersion: BigInt(oldObject.resourceVersion),
          },
        }),
      dryRun,
    };
  }

  #seen(object: LiveObject): { resourceVersion: bigint; usage: ResourceList; quotas: readonly string[] } {
    return {
      resourceVersion: BigInt(object.resourceVersion),
      usage: usageList(object.usage),
      quotas: this.#options.quotasOf(object.namespace),
    };
  }

  #present(object: LiveObject): Observation {
    const { uid, namespace, name } = object;
    return { key: this.#key(uid), namespace, name, type: 'present', ...this.#seen(object) };
  }

  #gone({ uid, namespace }: LiveObject): Observation {
    return { key: this.#key(uid), namespace, type: 'gone' };
  }

  #key(uid: string): { cluster: string; resource: string; uid: string } {
    return { cluster: this.#options.cluster, resource: 'pods', uid };
  }

  #listTime(): number {
    const { random, faults } = this.#options;
    return random.between(0, faults.listMilliseconds);
  }

  #roundTrip(): Promise<void> {
    const { process, random } = this.#options;
    return new Promise((resolve) => process.after(random.between(1, 40), resolve));
  }

  #repeat(milliseconds: number, work: () => Promise<unknown>): void {
    this.#options.process.after(milliseconds, () => {
      void work()
        .catch(() => undefined)
        .finally(() => this.#repeat(milliseconds, work));
    });
  }
}

export function usageList({ pods, cpu }: ObjectUsage): ResourceList {
  return new Map([
    ['pods', Quantity.of(BigInt(pods))],
    ['cpu', Quantity.of(BigInt(cpu))],
  ]);
}

function growthOf(before: ObjectUsage, after: ObjectUsage): ObjectUsage {
  return { pods: Math.max(0, after.pods - before.pods), cpu: Math.max(0, after.cpu - before.cpu) };
}
