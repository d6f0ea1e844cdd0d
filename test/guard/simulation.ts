import type { UserInfo } from '../../src/api/admission-review.ts';
import type { Pod } from '../../src/api/generated/core.v1.ts';
import type { KubernetesObject } from '../../src/api/object-meta.ts';
import { Gatekeeper } from '../../src/guard/gatekeeper.ts';
import type { GuardClient } from '../../src/guard/guard-client.ts';
import type { Guard } from '../../src/guard/guard.ts';
import { requestAnnotation, stateOf, takesSlot, type GuardState } from '../../src/guard/guard-state.ts';
import type { HookCall, HookReport } from '../../src/guard/hook.ts';
import {
  requesterClasses,
  resolveGuardPolicy,
  type GuardPolicy,
  type GuardPolicyOptions,
} from '../../src/guard/index.ts';
import { Membership } from '../../src/guard/membership.ts';
import type { PodCache, PodListener } from '../../src/guard/pod-cache.ts';
import { Slots } from '../../src/guard/slots.ts';
import { lastAttemptLagMilliseconds } from '../../src/guard/state-machine.ts';
import { Worker } from '../../src/guard/worker.ts';
import { apply, type JsonValue, type PatchOperation } from '../../src/json/index.ts';
import {
  ApiStatusError,
  ApiUnreachableError,
  type CollectionAddress,
  type ObjectAddress,
  type Patch,
} from '../../src/kube/index.ts';
import { silentLogger, type Clock } from '../../src/telemetry/index.ts';

/** What is deliberately broken in a simulation. */
export type Breakage =
  /** Writes are not compared with what was read. */
  | 'no-compare'
  /** `start` having returned is taken for the clean-up's end. */
  | 'trusts-start'
  /** Every Pod of a workload gets a place. */
  | 'no-slots'
  /** A replica takes over from one that lives. */
  | 'steals'
  /** Each refusal is written to the Pod. */
  | 'writes-each-attempt';

export interface SimulationOptions {
  /** Numbers that choose what happens next; when they end, no more faults happen and time passes. */
  readonly tape: readonly number[];
  readonly policy?: GuardPolicyOptions;
  readonly breakage?: Breakage | undefined;
}

/** What went wrong, in words; none when the guard kept its promises. */
export type Violation = string;

const names = ['db-0', 'db-1'] as const;
const users: readonly UserInfo[] = [
  { username: 'system:serviceaccount:kube-system:statefulset-controller' },
  { username: 'jane' },
  { username: 'system:serviceaccount:kube-system:node-controller' },
];

/**
 * Two Pods of one StatefulSet, two replicas of the guard, an API server that compares and swaps, an application, and a
 * network that delays, reorders and loses requests and answers; all in virtual time. Everything between the webhooks and
 * the API server is the guard's own code.
 */
export class Simulation {
  readonly violations: Violation[] = [];
  /** How often what is to be judged happened at all. */
  readonly counts = { starts: 0, undos: 0, removals: 0, takeOvers: 0, crashes: 0 };
  readonly #options: SimulationOptions;
  readonly #clock = new VirtualClock();
  readonly #objects = new Map<string, Stored>();
  readonly #app = new Map<string, 'Running' | 'Done'>();
  /** What ended was done by the application or not: by key. */
  readonly #doneKeys = new Set<string>();
  /** Keys of clean-ups that were taken back, also of those whose start never arrived. */
  readonly #undone = new Set<string>();
  readonly #replicas: Replica[] = [];
  readonly #guard: Guard;
  #pending: Pending[] = [];
  #version = 1;
  #position = 0;
  #isCalm = false;
  #identities = 0;
  #lastTouch = new Map<string, number>();

  constructor(options: SimulationOptions) {
    this.#options = options;
    const policy = resolveGuardPolicy({
      deadlineSeconds: 60,
      releaseSeconds: 120,
      finishAfterSeconds: 5,
      ...options.policy,
    });
    this.#guard = {
      name: 'shop/db',
      matches: () => true,
      policy: options.breakage === 'writes-each-attempt' ? withoutLag(policy) : policy,
      hook: {
        start: (call) => this.#hook('start', call).then(() => undefined),
        status: (call) => this.#hook('status', call),
        undo: (call) => this.#hook('undo', call).then(() => undefined),
      },
    };
  }

  async run(): Promise<readonly Violation[]> {
    for (const name of names) this.#put(podPath(name), newPod(name));
    this.#objects.set('/namespaces/shop', { object: { metadata: { name: 'shop' } } });
    this.#objects.set('/nodes/n1', { object: { metadata: { name: 'n1' } } });
    for (let index = 0; index < 2; index++) this.#startReplica();
    await this.#settle();
    while (this.#position < this.#options.tape.length) {
      await this.#happen();
      await this.#settle();
    }
    await this.#calmDown();
    return this.violations;
  }

  #choose(count: number): number {
    const value = this.#options.tape[this.#position++] ?? 0;
    return value % count;
  }

  async #happen(): Promise<void> {
    switch (this.#choose(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return this.#deliver(this.#choose(Math.max(1, this.#pending.length)), this.#choose(12));
      case 4:
      case 5:
        // Refused by a fault is refused.
        return void this.#attempt().catch(() => undefined);
      case 6:
        return this.#replicas[this.#choose(this.#replicas.length)]?.cache.catchUp(this.#choose(3) + 1);
      case 7:
        return this.#finishWork();
      case 8:
        if (this.#choose(6) === 0) this.#crash(this.#choose(this.#replicas.length));
        return;
      case 9:
        if (this.#choose(3) === 0) this.#callOff(names[this.#choose(names.length)] ?? 'db-0');
        return;
      default:
        return this.#pass([200, 1000, 2000, 4000][this.#choose(4)] ?? 1000);
    }
  }

  /** Time passes; whatever is on its way for two seconds arrives before. */
  async #pass(milliseconds: number): Promise<void> {
    const end = this.#clock.now() + milliseconds;
    for (;;) {
      const next = Math.min(end, this.#clock.nextDue() ?? end);
      const late = this.#pending.findIndex(({ sentAt }) => next - sentAt >= 2000);
      if (late >= 0) {
        await this.#deliver(late, 0);
        await this.#settle();
        continue;
      }
      if (this.#isCalm) for (const { cache } of this.#replicas) cache.catchUp(Infinity);
      this.#clock.advanceTo(next);
      await this.#settle();
      if (next >= end) return;
    }
  }

  /** No more faults: after everything that has a limit, no Pod may be held by what was. */
  async #calmDown(): Promise<void> {
    this.#isCalm = true;
    for (let second = 0; second < 400; second++) {
      while (this.#pending.length > 0) {
        await this.#deliver(0, 0);
        await this.#settle();
      }
      await this.#pass(1000);
    }
    for (const name of names) {
      const pod = this.#pod(name);
      const state = pod === undefined ? undefined : stateOf(pod);
      const isLeft = state === undefined || state.phase === 'Aborted' || state.phase === 'Released';
      if (pod !== undefined && pod.metadata?.deletionTimestamp === undefined && !isLeft) {
        this.violations.push(`${name} is ${state.phase} for ever`);
      }
    }
    for (const { stop } of this.#replicas) stop();
  }

  #startReplica(): void {
    const identity = `replica-${++this.#identities}`;
    const life = { isAlive: true };
    const client = this.#client(life);
    const clock: Clock = {
      now: () => this.#clock.now(),
      monotonic: () => this.#clock.now(),
      after: (delay, callback) => this.#clock.after(delay, () => life.isAlive && callback()),
    };
    const cache = new SimulatedCache(() => names.flatMap((name) => this.#pod(name) ?? []));
    const { breakage } = this.#options;
    const slotOptions = { client, namespace: 'guard', clock };
    const slots = breakage === 'no-slots' ? new GenerousSlots(slotOptions) : new Slots(slotOptions);
    const memberOptions = { client, namespace: 'guard', identity, leaseSeconds: breakage === 'steals' ? 3 : 15, clock };
    const membership = breakage === 'steals' ? new GreedyMembership(memberOptions) : new Membership(memberOptions);
    const guards = { guardOf: () => this.#guard };
    const observer = {};
    const shared = { client, guards, pods: cache, slots, observer, clock, log: silentLogger };
    const hook = this.#guard.hook;
    const own: Guard = {
      ...this.#guard,
      hook: {
        start: (call) => (life.isAlive ? hook.start(call) : never()),
        status: (call) => (life.isAlive ? hook.status(call) : never()),
        undo: (call) => (life.isAlive ? hook.undo(call) : never()),
      },
    };
    const worker = new Worker({ ...shared, guards: { guardOf: () => own }, membership, hookTimeoutSeconds: 5 });
    const gatekeeper = new Gatekeeper({
      ...shared,
      isTerminating: () => false,
      identity,
      claimed: (pod) => worker.claimed(pod),
      failOpenAfterSeconds: 600,
    });
    this.#replicas.push({ gatekeeper, cache, stop: () => (life.isAlive = false) });
    const begin = (): void => {
      if (life.isAlive) worker.start().catch(() => void this.#clock.after(1000, begin));
    };
    begin();
  }

  /** SIGKILL; another one is started in its place. */
  #crash(index: number): void {
    this.counts.crashes++;
    const [replica] = this.#replicas.splice(index, 1);
    replica?.stop();
    this.#startReplica();
  }

  /** Somebody asks for the removal of a Pod, as the API server carries that out. */
  async #attempt(): Promise<void> {
    const name = names[this.#choose(names.length)] ?? 'db-0';
    const user = users[this.#choose(users.length)] ?? {};
    const replica = this.#replicas[this.#choose(this.#replicas.length)];
    const isEviction = this.#choose(3) === 0;
    if (replica === undefined) return;
    for (let round = 0; round < 5; round++) {
      const pod = this.#pod(name);
      if (pod === undefined || pod.metadata?.deletionTimestamp !== undefined) return;
      const answer = await replica.gatekeeper.decide({
        verb: isEviction ? 'eviction' : 'DELETE',
        namespace: 'shop',
        name,
        pod: isEviction ? undefined : pod,
        user,
        dryRun: false,
        graceSeconds: 30,
        uidPrecondition: undefined,
      });
      if (answer.kind === 'hold') return;
      const now = this.#pod(name);
      // A DELETE is decided anew when the Pod was written in between; an eviction is not.
      if (!isEviction && now?.metadata?.resourceVersion !== pod.metadata?.resourceVersion) continue;
      // Once it terminates there is nothing to decide.
      if (now !== undefined && now.metadata?.deletionTimestamp === undefined) this.#remove(name, now);
      return;
    }
  }

  #remove(name: string, pod: Pod): void {
    this.counts.removals++;
    const state = stateOf(pod);
    const isOver = state?.deadline !== undefined && this.#clock.now() >= state.deadline;
    const isDone = state !== undefined && this.#doneKeys.has(`${state.uid}/${state.attempt}`);
    const isAllowed =
      (state?.phase === 'Released' && (state.releaseCause === 'Deadline' || isDone)) ||
      ((state?.phase === 'Cleaning' || state?.phase === 'Retrying') && isOver);
    if (!isAllowed)
      this.violations.push(`${name} went in ${state?.phase} ${state?.releaseCause}: its clean-up was not done`);
    this.#put(podPath(name), {
      ...pod,
      metadata: { ...pod.metadata, deletionTimestamp: new Date(this.#clock.now()).toISOString() },
    });
    // The kubelet ends it, and its controller makes it anew.
    this.#clock.after(3000, () => {
      this.#objects.delete(podPath(name));
      for (const { cache } of this.#replicas) cache.record({ type: 'deleted', pod });
      this.#put(podPath(name), newPod(name));
    });
  }

  /** A person wants a Pod to stay. */
  #callOff(name: string): void {
    const pod = this.#pod(name);
    if (pod === undefined || stateOf(pod) === undefined) return;
    const annotations = { ...pod.metadata?.annotations, [requestAnnotation]: 'abort' };
    this.#put(podPath(name), { ...pod, metadata: { ...pod.metadata, annotations } });
  }

  #finishWork(): void {
    for (const [key, phase] of this.#app) {
      if (phase !== 'Running') continue;
      this.#app.set(key, 'Done');
      this.#doneKeys.add(key);
      return;
    }
  }

  async #hook(action: 'start' | 'status' | 'undo', { idempotencyKey: key }: HookCall): Promise<HookReport> {
    return this.#send(() => {
      const known = this.#app.get(key);
      switch (action) {
        case 'start':
          if (known !== undefined || this.#undone.has(key)) this.violations.push(`a second start of ${key}`);
          else this.#app.set(key, 'Running');
          this.counts.starts++;
          break;
        case 'undo':
          if (this.#undone.has(key)) this.violations.push(`a second undo of ${key}`);
          this.#undone.add(key);
          this.#app.delete(key);
          this.counts.undos++;
          break;
        case 'status':
          break;
      }
      const now = this.#app.get(key);
      if (now === 'Running' && this.#options.breakage === 'trusts-start') return { phase: 'Done' as const };
      return { phase: now ?? ('Unknown' as const) };
    });
  }

  /** A request on its way; it arrives when the tape says, or after two seconds. */
  #send<T>(carryOut: () => T, life: { readonly isAlive: boolean } = { isAlive: true }): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const deliver = (fault: number): void => {
      const isLost = !this.#isCalm && fault === 1;
      const isAnswerLost = !this.#isCalm && fault === 2;
      const lost = new ApiUnreachableError('request', 'lost');
      if (isLost) return reject(lost);
      let result: T;
      try {
        result = carryOut();
      } catch (error) {
        return life.isAlive ? reject(error) : undefined;
      }
      if (!life.isAlive) return;
      if (isAnswerLost) reject(lost);
      else resolve(result);
    };
    this.#pending.push({ sentAt: this.#clock.now(), deliver });
    return promise;
  }

  async #deliver(index: number, fault: number): Promise<void> {
    const [pending] = this.#pending.splice(index, 1);
    pending?.deliver(fault);
  }

  /** Lets everything run that waits for nothing. */
  async #settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }

  #client(life: { readonly isAlive: boolean }): GuardClient {
    const ask = <T>(carryOut: () => unknown): Promise<T> =>
      life.isAlive ? this.#send(carryOut as () => T, life) : never<T>();
    return {
      get: (address) => ask(() => this.#read(pathOf(address))),
      list: () => ask(() => ({ items: [], resourceVersion: '0' })),
      create: (address, object) => ask(() => this.#create(address, object)),
      replace: (address, object) => ask(() => this.#replace(pathOf(address), object)),
      delete: (address, { preconditions } = {}) => ask(() => this.#delete(address, preconditions)),
      patch: (address, patch) => ask(() => this.#patch(address, patch)),
    };
  }

  #read(path: string): KubernetesObject {
    const stored = this.#objects.get(path);
    if (stored === undefined) throw refusal(404, 'NotFound');
    return structuredClone(stored.object);
  }

  #create(address: CollectionAddress | ObjectAddress, object: object): object {
    // The guard's own removal, as anybody's.
    if ('subresource' in address && address.subresource === 'eviction')
      return this.#ownRemoval(address.name, undefined);
    const { name = '' } = (object as KubernetesObject).metadata ?? {};
    const path = pathOf({ ...address, name });
    if (this.#objects.has(path)) throw refusal(409, 'AlreadyExists');
    return this.#put(path, object);
  }

  #replace(path: string, object: object): KubernetesObject {
    const before = this.#read(path);
    const { metadata } = object as KubernetesObject;
    if (metadata?.resourceVersion !== before.metadata?.resourceVersion) throw refusal(409, 'Conflict');
    return this.#put(path, object);
  }

  #delete(
    address: ObjectAddress,
    preconditions: { readonly uid?: string; readonly resourceVersion?: string } = {},
  ): KubernetesObject {
    if (address.resource === 'pods') return this.#ownRemoval(address.name, preconditions.uid);
    const { metadata } = this.#read(pathOf(address));
    const { resourceVersion } = preconditions;
    if (resourceVersion !== undefined && resourceVersion !== metadata?.resourceVersion) throw refusal(409, 'Conflict');
    this.#objects.delete(pathOf(address));
    return {};
  }

  /** The finisher's request. Its admission reads the stored state, as that of a DELETE does. */
  #ownRemoval(name: string, uid: string | undefined): KubernetesObject {
    const pod = this.#pod(name);
    if (pod === undefined) throw refusal(404, 'NotFound');
    if (uid !== undefined && pod.metadata?.uid !== uid) throw refusal(409, 'Conflict');
    if (stateOf(pod)?.phase !== 'Released') throw refusal(403, 'Forbidden');
    if (pod.metadata?.deletionTimestamp === undefined) this.#remove(name, pod);
    return {};
  }

  #patch(address: ObjectAddress, patch: Patch): KubernetesObject {
    const path = pathOf(address);
    const before = this.#read(path);
    if (patch.type !== 'json') {
      const changes = patch.type === 'merge' ? (patch.changes as KubernetesObject) : {};
      return this.#put(path, { ...before, ...changes, metadata: { ...before.metadata, ...changes.metadata } });
    }
    const isChecked = this.#options.breakage !== 'no-compare';
    const operations = (patch.operations as PatchOperation[]).filter(({ op }) => isChecked || op !== 'test');
    let after: KubernetesObject;
    try {
      after = apply(before as JsonValue, operations) as KubernetesObject;
    } catch {
      throw refusal(422, 'Invalid');
    }
    this.#check(before, after);
    return this.#put(path, after);
  }

  /** What must hold between two states of a Pod. */
  #check(before: KubernetesObject, after: KubernetesObject): void {
    const name = after.metadata?.name ?? '';
    const [from, to] = [stateOf(before), stateOf(after)];
    if (from?.owner !== undefined && to?.owner !== undefined && from.owner !== to.owner) this.counts.takeOvers++;
    const isOneHold = from !== undefined && to !== undefined && isCleaning(from) && isCleaning(to);
    if (isOneHold && from.deadline !== to.deadline) this.violations.push(`the deadline of ${name} moved`);
    const others = names.filter((other) => other !== name).flatMap((other) => this.#pod(other) ?? []);
    const isLeaving = (pod: KubernetesObject): boolean =>
      pod.metadata?.deletionTimestamp === undefined && takesSlot(stateOf(pod));
    if (takesSlot(to) && !takesSlot(from) && others.some(isLeaving)) {
      this.violations.push(`two Pods of one workload leave at one time`);
    }
    if (from !== undefined && to !== undefined) this.#checkRate(from, to);
  }

  /** A refusal is written half a minute after the last one, or when it changes who wants the Pod gone. */
  #checkRate(from: GuardState, to: GuardState): void {
    const isTouch =
      from.phase === to.phase && from.owner === to.owner && from.attempt === to.attempt && from.pokedAt === to.pokedAt;
    if (!isTouch || from.requesterClass !== to.requesterClass || from.phase === 'Aborting') return;
    const last = this.#lastTouch.get(from.uid) ?? -Infinity;
    const least = lastAttemptLagMilliseconds(resolveGuardPolicy(this.#options.policy ?? {}));
    if (to.lastAttempt - last < least && from.pokedAt === undefined) this.violations.push('a write for each refusal');
    this.#lastTouch.set(from.uid, to.lastAttempt);
  }

  #pod(name: string): Pod | undefined {
    return this.#objects.get(podPath(name))?.object as Pod | undefined;
  }

  #put(path: string, object: KubernetesObject): KubernetesObject {
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } };
    this.#objects.set(path, { object: stored });
    if (path.startsWith('/pods/'))
      for (const { cache } of this.#replicas) cache.record({ type: 'changed', pod: stored as Pod });
    return structuredClone(stored);
  }
}

interface Stored {
  readonly object: KubernetesObject;
}

interface Pending {
  readonly sentAt: number;
  readonly deliver: (fault: number) => void;
}

interface Replica {
  readonly gatekeeper: Gatekeeper;
  readonly cache: SimulatedCache;
  readonly stop: () => void;
}

let uids = 0;
function newPod(name: string): Pod {
  return {
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-${++uids}`,
      labels: { 'sallyport.dev/guard': 'enabled' },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'set', controller: true }],
    },
    spec: { nodeName: 'n1', containers: [] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

/** Nobody is ever idle, and no refusal is too soon after the last one to be written. */
function withoutLag(policy: GuardPolicy): GuardPolicy {
  const finisher = Object.fromEntries(requesterClasses.map((name) => [name, 'Delete'])) as GuardPolicy['finisher'];
  return { ...policy, idleAfterSeconds: 0, finisher };
}

function isCleaning({ phase }: GuardState): boolean {
  return phase === 'Cleaning' || phase === 'Retrying';
}

const podPath = (name: string): string => `/pods/${name}`;

function pathOf({ resource, name }: { readonly resource: string; readonly name?: string }): string {
  return `/${resource}/${name ?? ''}`;
}

function refusal(code: number, reason: string): ApiStatusError {
  return new ApiStatusError('request', code, { status: 'Failure', code, reason });
}

function never<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}

type PodEvent = { readonly type: 'changed' | 'deleted'; readonly pod: Pod };

/** A watch that is behind as far as the test wants. */
class SimulatedCache implements PodCache {
  readonly #pods = new Map<string, Pod>();
  readonly #events: PodEvent[] = [];
  #listener: PodListener | undefined;

  constructor(first: () => readonly Pod[]) {
    for (const pod of first()) this.#pods.set(pod.metadata?.name ?? '', pod);
  }

  get(name: string): Pod | undefined {
    return this.#pods.get(name);
  }

  list(): readonly Pod[] {
    return [...this.#pods.values()];
  }

  subscribe(listener: PodListener): () => void {
    this.#listener = listener;
    for (const pod of this.#pods.values()) listener.changed(pod);
    return () => (this.#listener = undefined);
  }

  record(event: PodEvent): void {
    this.#events.push(event);
  }

  catchUp(count: number): void {
    for (const { type, pod } of this.#events.splice(0, count)) {
      if (type === 'deleted') this.#pods.delete(pod.metadata?.name ?? '');
      else this.#pods.set(pod.metadata?.name ?? '', pod);
      this.#listener?.[type](pod);
    }
  }
}

class VirtualClock {
  #now = Date.parse('2026-01-01T00:00:00Z');
  readonly #timers = new Set<{ readonly dueAt: number; readonly callback: () => void }>();

  now(): number {
    return this.#now;
  }

  after(delay: number, callback: () => void): () => void {
    const timer = { dueAt: this.#now + delay, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  nextDue(): number | undefined {
    return this.#timers.size === 0
      ? undefined
      : Math.max(this.#now, Math.min(...[...this.#timers].map(({ dueAt }) => dueAt)));
  }

  advanceTo(time: number): void {
    this.#now = time;
    for (const timer of [...this.#timers]) {
      if (timer.dueAt > time) continue;
      this.#timers.delete(timer);
      timer.callback();
    }
  }
}

class GenerousSlots extends Slots {
  override acquire(): Promise<boolean> {
    return Promise.resolve(true);
  }
}

class GreedyMembership extends Membership {
  override findDead(identities: ReadonlySet<string>): Promise<Set<string>> {
    return Promise.resolve(new Set([...identities].filter((identity) => identity !== this.identity)));
  }
}
