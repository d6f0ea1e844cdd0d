import type { Random } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Whole units of `pods` and `cpu`. */
export interface ObjectUsage {
  readonly pods: number;
  readonly cpu: number;
}

export interface LiveObject {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly resourceVersion: number;
  readonly usage: ObjectUsage;
  /** Whether its last growth was admitted; false: it came past admission. */
  readonly isAdmitted: boolean;
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: LiveObject;
}

/** What the webhook is asked. */
export interface Review {
  /** Of the review. */
  readonly uid: string;
  readonly object: Omit<LiveObject, 'resourceVersion' | 'isAdmitted'>;
  readonly oldObject: LiveObject | undefined;
  readonly dryRun: boolean;
}

/** Calls the webhook; false: refused, rejects: no answer in time. */
export type CallWebhook = (review: Review, timeoutMilliseconds: number) => Promise<boolean>;

/** What a client's request came to. */
export type Outcome = 'stored' | 'refused' | 'failed' | 'passed';

/** What goes wrong behind admission, each by its probability. */
export interface ApiServerFaults {
  /** The same review is sent by two entries of the configuration. */
  readonly repeatedCall: number;
  /** Another validating webhook says no. */
  readonly refusedElsewhere: number;
  /** The write comes long after admission, up to what a handler may take. */
  readonly lateWrite: number;
  /** The old object of an update comes from a cache that is behind. */
  readonly staleRead: number;
}

/** An API server ends a handler after 34 s. */
export const handlerMilliseconds = 34_000;
const webhookTimeoutMilliseconds = 3000;
const maxGenerateNameTries = 8;

/**
 * The part of an API server that a quota webhook meets. The uid is filled before validating admission and is anew at every try;
 * a name that is taken is found out after admission; updates are compared by resourceVersion and asked again on conflict.
 */
export class SimulatedApiServer {
  readonly cluster: string;
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #faults: ApiServerFaults;
  readonly #call: CallWebhook;
  readonly #uniqueName: (kind: string) => string;
  readonly #onChange: (event: WatchEvent) => void;
  readonly #onNeverStored: (uid: string) => void;
  readonly objects = new Map<string, LiveObject>();
  readonly #names = new Map<string, string>();
  /** All that ever happened, in order. The index after an event is its resourceVersion. */
  readonly events: WatchEvent[] = [];

  constructor(options: {
    readonly cluster: string;
    readonly time: VirtualTime;
    readonly random: Random;
    readonly faults: ApiServerFaults;
    readonly call: CallWebhook;
    readonly uniqueName: (kind: string) => string;
    readonly onChange: (event: WatchEvent) => void;
    /** An object that was asked about will not be. */
    readonly onNeverStored: (uid: string) => void;
  }) {
    this.cluster = options.cluster;
    this.#time = options.time;
    this.#random = options.random;
    this.#faults = options.faults;
    this.#call = options.call;
    this.#uniqueName = options.uniqueName;
    this.#onChange = options.onChange;
    this.#onNeverStored = options.onNeverStored;
  }

  get resourceVersion(): number {
    return this.events.length;
  }

  /** POST of an object with a name, or with generateName. */
  async create(namespace: string, name: string | undefined, usage: ObjectUsage, dryRun: boolean): Promise<Outcome> {
    const began = this.#time.now;
    for (let tries = 0; tries < maxGenerateNameTries; tries++) {
      const object = {
        uid: this.#uniqueName('uid'),
        name: name ?? `g-${this.#random.between(0, 3)}`,
        namespace,
        usage,
      };
      const admission = await this.#admit(object, undefined, dryRun, began);
      if (admission === 'passed' && !dryRun && !this.#names.has(`${namespace}/${object.name}`)) {
        this.#put('ADDED', { ...object, isAdmitted: true });
        return 'stored';
      }
      this.#onNeverStored(object.uid);
      if (admission !== 'passed' || dryRun) return admission;
      if (name !== undefined) return 'failed';
    }
    return 'failed';
  }

  /** PATCH of what an object uses. */
  async update(uid: string, usage: ObjectUsage): Promise<Outcome> {
    const began = this.#time.now;
    for (let tries = 0; tries < 5; tries++) {
      const current = this.objects.get(uid);
      if (current === undefined) return 'failed';
      const isStale = tries === 0 && this.#random.chance(this.#faults.staleRead);
      const old = (isStale ? this.#versionBefore(uid) : undefined) ?? current;
      const { resourceVersion: _version, isAdmitted: _admitted, ...object } = old;
      const admission = await this.#admit({ ...object, usage }, old, false, began);
      const stored = this.objects.get(uid);
      if (stored === undefined) return 'failed';
      if (admission !== 'passed') {
        // A refusal by an object out of the cache is asked again by the one that is stored.
        if (admission === 'refused' && stored.resourceVersion !== old.resourceVersion) continue;
        return admission;
      }
      if (stored.resourceVersion !== old.resourceVersion) continue;
      this.#put('MODIFIED', { ...stored, usage });
      return 'stored';
    }
    return 'failed';
  }

  delete(uid: string): void {
    const object = this.objects.get(uid);
    if (object === undefined) return;
    this.objects.delete(uid);
    this.#names.delete(`${object.namespace}/${object.name}`);
    this.#tell({ type: 'DELETED', object: { ...object, resourceVersion: this.events.length + 1 } });
  }

  /** An object that is stored without admission, as with `failurePolicy: Ignore`. */
  bypass(namespace: string, usage: ObjectUsage): void {
    const uid = this.#uniqueName('uid');
    this.#put('ADDED', { uid, name: uid, namespace, usage, isAdmitted: false });
  }

  /** The objects as they were at a resourceVersion. */
  listAt(resourceVersion: number): LiveObject[] {
    const objects = new Map<string, LiveObject>();
    for (const { type, object } of this.events.slice(0, resourceVersion)) {
      if (type === 'DELETED') objects.delete(object.uid);
      else objects.set(object.uid, object);
    }
    return [...objects.values()];
  }

  async #admit(
    object: Review['object'],
    oldObject: LiveObject | undefined,
    dryRun: boolean,
    began: number,
  ): Promise<Outcome> {
    const ask = (): Promise<boolean> =>
      this.#call({ uid: this.#uniqueName('review'), object, oldObject, dryRun }, webhookTimeoutMilliseconds);
    const calls = this.#random.chance(this.#faults.repeatedCall) ? [ask(), ask()] : [ask()];
    try {
      if ((await Promise.all(calls)).includes(false)) return 'refused';
    } catch {
      return 'failed';
    }
    if (this.#random.chance(this.#faults.refusedElsewhere)) return 'failed';
    if (this.#random.chance(this.#faults.lateWrite)) {
      const left = began + handlerMilliseconds - this.#time.now;
      await this.#time.sleep(this.#random.between(0, Math.max(0, left - 1)));
    }
    return this.#time.now - began < handlerMilliseconds ? 'passed' : 'failed';
  }

  #versionBefore(uid: string): LiveObject | undefined {
    const versions = this.events.filter(({ object }) => object.uid === uid);
    return versions.at(-2)?.object;
  }

  #put(type: 'ADDED' | 'MODIFIED', object: Omit<LiveObject, 'resourceVersion'>): void {
    const stored = { ...object, resourceVersion: this.events.length + 1 };
    this.objects.set(stored.uid, stored);
    this.#names.set(`${stored.namespace}/${stored.name}`, stored.uid);
    this.#tell({ type, object: stored });
  }

  #tell(event: WatchEvent): void {
    this.events.push(event);
    this.#onChange(event);
  }
}
