import type { Pod } from '../api/generated/core.v1.ts';
import { ApiStatusError, ApiUnreachableError } from '../kube/index.ts';
import type { Clock, Logger } from '../telemetry/index.ts';
import { finish } from './finisher.ts';
import type { Guard, GuardSet } from './guard.ts';
import type { GuardClient } from './guard-client.ts';
import { bypassAnnotation, requestAnnotation, stateAnnotation, stateOf, type GuardState } from './guard-state.ts';
import type { HookCall, HookReport } from './hook.ts';
import type { Membership } from './membership.ts';
import type { GuardObserver, HookCallFacts } from './observer.ts';
import { isNewer, type PodCache } from './pod-cache.ts';
import { readPod, restoreOf, writeInService, writeState } from './pod-store.ts';
import type { Slots } from './slots.ts';
import { isHeld, next, type GuardEffect, type GuardEvent, type GuardStep } from './state-machine.ts';

export interface WorkerOptions {
  readonly client: GuardClient;
  readonly guards: GuardSet;
  readonly pods: PodCache;
  readonly membership: Membership;
  readonly slots: Slots;
  /** One call of a hook takes no longer. */
  readonly hookTimeoutSeconds: number;
  readonly observer: GuardObserver;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Drives the holds that this replica owns: calls hooks, keeps deadlines, undoes, finishes; and takes over those of dead
 * replicas. Nothing that it remembers decides anything but which question is asked first.
 */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #drives = new Map<string, Drive>();
  readonly #stopping = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  #unsubscribe: () => void = () => undefined;
  #cancelBeat: () => void = () => undefined;
  #beats = 0;
  #isTidying = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /** Renews the replica's Lease, then begins. Rejects when that fails the first time, and with the signal's reason. */
  async start(signal?: AbortSignal): Promise<void> {
    await this.#options.membership.renew(signal);
    this.#scheduleBeat();
    this.#unsubscribe = this.#options.pods.subscribe({
      changed: (pod) => this.#look(pod),
      deleted: (pod) => this.#forget(pod),
    });
  }

  /** Stops calling hooks, waits for what is under way, and lets other replicas take over at once. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#cancelBeat();
    this.#stopping.abort();
    for (const drive of this.#drives.values()) drive.cancelTimer();
    await Promise.all(this.#underWay);
    await this.#options.membership.leave(AbortSignal.timeout(2000)).catch(() => undefined);
  }

  /** A Pod whose state this replica has just written: nobody has called its hook yet. */
  claimed(pod: Pod): void {
    const state = stateOf(pod);
    if (state === undefined || this.#stopping.signal.aborted) return;
    const drive = this.#driveOf(pod);
    if (state.phase === 'Cleaning') drive.unstarted = state.attempt;
    this.#advance(drive, pod);
  }

  #look(pod: Pod): void {
    if (pod.metadata?.deletionTimestamp !== undefined) return this.#leaving(pod);
    const state = stateOf(pod);
    if (state?.owner === this.#options.membership.identity) return this.#advance(this.#driveOf(pod), pod);
    this.#drop(pod);
    if (state === undefined || state.phase === 'Aborted') this.#track(this.#putInService(pod));
  }

  #driveOf(pod: Pod): Drive {
    const uid = pod.metadata?.uid ?? '';
    const known = this.#drives.get(uid);
    if (known !== undefined) return known;
    const drive = new Drive(pod);
    this.#drives.set(uid, drive);
    return drive;
  }

  #drop(pod: Pod): void {
    const uid = pod.metadata?.uid ?? '';
    const drive = this.#drives.get(uid);
    // The cache may be behind what this replica wrote.
    if (drive === undefined || !isNewer(pod, drive.pod)) return;
    drive.cancelTimer();
    this.#drives.delete(uid);
  }

  /** It is let go and on its way: the next Pod of the workload may begin. */
  #leaving(pod: Pod): void {
    const drive = this.#drives.get(pod.metadata?.uid ?? '');
    if (drive === undefined || drive.isLeaving) return;
    drive.isLeaving = true;
    drive.cancelTimer();
    this.#track(this.#releaseSlot(pod));
  }

  #forget(pod: Pod): void {
    const uid = pod.metadata?.uid ?? '';
    const drive = this.#drives.get(uid);
    if (drive === undefined) return;
    drive.cancelTimer();
    this.#drives.delete(uid);
    this.#options.observer.gone?.({ pod, state: stateOf(pod) });
    if (!drive.isLeaving) this.#track(this.#releaseSlot(pod));
  }

  async #releaseSlot(pod: Pod): Promise<void> {
    const { guards, slots } = this.#options;
    const count = guards.guardOf(pod)?.policy.maxConcurrent ?? 1;
    await slots.release(pod, count, this.#stopping.signal);
    for (const drive of this.#drives.values()) {
      if (stateOf(drive.pod)?.phase === 'Waiting') this.#advance(drive, drive.pod);
    }
  }

  async #putInService(pod: Pod): Promise<void> {
    const { client, clock } = this.#options;
    await writeInService(client, pod, true, clock.now(), { signal: this.#stopping.signal });
  }

  /** Takes a step with what is newest of this Pod; a step under way takes another one when it ends. */
  #advance(drive: Drive, pod: Pod): void {
    if (isNewer(pod, drive.pod)) drive.pod = pod;
    if (this.#stopping.signal.aborted || drive.isLeaving) return;
    drive.cancelTimer();
    if (drive.isStepping) {
      drive.isDue = true;
      return;
    }
    drive.isStepping = true;
    this.#track(this.#drive(drive));
  }

  #track(work: Promise<void>): void {
    const { log } = this.#options;
    const settled = work
      .catch((error: unknown) => {
        if (this.#stopping.signal.aborted) return;
        log.warn('a step of the deletion guard failed; it is taken again', { problem: messageOf(error) });
      })
      .finally(() => this.#underWay.delete(settled));
    this.#underWay.add(settled);
  }

  async #drive(drive: Drive): Promise<void> {
    let wakeInMilliseconds: number | undefined = failureMilliseconds;
    try {
      do {
        drive.isDue = false;
        wakeInMilliseconds = failureMilliseconds;
        wakeInMilliseconds = await this.#step(drive);
      } while (drive.isDue && !this.#stopping.signal.aborted);
    } finally {
      drive.isStepping = false;
      if (wakeInMilliseconds !== undefined && !this.#stopping.signal.aborted && !drive.isLeaving) {
        drive.cancelTimer();
        drive.cancel = this.#options.clock.after(Math.max(0, wakeInMilliseconds), () =>
          this.#advance(drive, drive.pod),
        );
      }
    }
  }

  /** Milliseconds until the next step; undefined when only a change of the Pod leads to one. */
  async #step(drive: Drive): Promise<number | undefined> {
    const { guards, membership } = this.#options;
    if (stateOf(drive.pod)?.owner !== membership.identity) return undefined;
    const guard = guards.guardOf(drive.pod);
    if (guard === undefined) return this.#unguard(drive);
    // While others may take this replica for dead it does nothing that they might be doing.
    if (!membership.isAlive()) return membership.renewMilliseconds;
    const { effects } = await this.#apply(drive, guard, this.#eventOf(drive.pod));
    for (const effect of effects) {
      const event = await this.#act(drive, guard, effect);
      if (event !== undefined) await this.#follow(drive, guard, event);
    }
    if (stateOf(drive.pod)?.owner !== membership.identity) return undefined;
    return drive.isDue ? 0 : this.#pauseOf(drive, guard);
  }

  #pauseOf(drive: Drive, guard: Guard): number | undefined {
    const now = this.#options.clock.now();
    const state = stateOf(drive.pod);
    const later = next(state, { kind: 'tick' }, now, guard.policy);
    if (later.state !== state) return 0;
    if (later.wakeAt === undefined) return undefined;
    const pause = later.wakeAt - now;
    return drive.failures === 0 ? pause : Math.max(pause, Math.min(this.#backoff(drive), this.#untilDeadline(drive)));
  }

  /** What an answer leads to, and what that leads to: `Unknown` to a start. */
  async #follow(drive: Drive, guard: Guard, event: GuardEvent): Promise<void> {
    const before = stateOf(drive.pod);
    const step = await this.#apply(drive, guard, event);
    if (step.effects.includes('start')) await this.#call(drive, guard, 'start');
    // A new phase has its own effects: they are due now.
    else if (stateOf(drive.pod)?.phase !== before?.phase) drive.isDue = true;
  }

  #eventOf(pod: Pod): GuardEvent {
    const annotations = pod.metadata?.annotations;
    const reason = annotations?.[bypassAnnotation];
    const state = stateOf(pod);
    if (reason !== undefined && state !== undefined && isHeld(state)) return { kind: 'bypass', reason };
    const action = annotations?.[requestAnnotation];
    if (action === 'abort' || action === 'release') return { kind: 'request', action };
    return { kind: 'tick' };
  }

  /** Takes a step and stores it; reads again and takes it anew while somebody else writes. */
  async #apply(drive: Drive, guard: Guard, event: GuardEvent): Promise<GuardStep> {
    const { client, clock, observer, membership } = this.#options;
    const { signal } = this.#stopping;
    for (let round = 0; round < maxRounds; round++) {
      const before = stateOf(drive.pod);
      if (before?.owner !== membership.identity) return { state: before, effects: [] };
      const step = next(before, event, clock.now(), guard.policy);
      const clearsRequest = event.kind === 'request';
      if (step.state === before && !clearsRequest) return step;
      const written = await writeState(client, drive.pod, step.state, { signal, clearsRequest });
      if (written.kind === 'written') {
        drive.pod = written.pod;
        this.#remember(drive, before, step.state);
        if (step.state !== before) observer.phaseChanged?.({ pod: written.pod, before, after: step.state });
        return step;
      }
      const current = written.kind === 'gone' ? undefined : await readPod(client, drive.pod, { signal });
      if (current === undefined || current.metadata?.deletionTimestamp !== undefined) {
        drive.isLeaving = true;
        await this.#releaseSlot(drive.pod);
        return { state: before, effects: [] };
      }
      drive.pod = current;
    }
    return { state: stateOf(drive.pod), effects: [] };
  }

  /** This replica wrote the beginning, so nobody has called the hook for it. */
  #remember(drive: Drive, before: GuardState | undefined, after: GuardState | undefined): void {
    if (after?.phase === 'Cleaning' && after.attempt !== before?.attempt) drive.unstarted = after.attempt;
    if (after?.phase === 'Aborting' && before?.phase !== 'Aborting') drive.notUndone = after.attempt;
    if (after?.phase !== before?.phase) drive.failures = 0;
  }

  /** Gives the event that comes of it. */
  async #act(drive: Drive, guard: Guard, effect: GuardEffect): Promise<GuardEvent | undefined> {
    const { client, clock, slots, observer } = this.#options;
    const { signal } = this.#stopping;
    const state = stateOf(drive.pod);
    switch (effect) {
      case 'requestSlot': {
        const hasSlot = await slots.acquire(drive.pod, guard.policy.maxConcurrent, signal);
        return hasSlot ? { kind: 'slot', restore: restoreOf(drive.pod, guard.policy) } : undefined;
      }
      case 'takeOutOfService':
        await writeInService(client, drive.pod, false, clock.now(), { signal });
        return undefined;
      case 'putBackInService':
        await writeInService(client, drive.pod, true, clock.now(), { signal });
        return undefined;
      case 'ask':
        if (state !== undefined && drive.unstarted === state.attempt) return this.#call(drive, guard, 'start');
        return this.#call(drive, guard, 'status');
      case 'start':
        return this.#call(drive, guard, 'start');
      case 'undo':
        return this.#undo(drive, guard);
      case 'finish': {
        if (state === undefined) return undefined;
        const outcome = await finish(client, drive.pod, state, { signal });
        observer.finished?.({ pod: drive.pod, state, outcome });
        return undefined;
      }
    }
  }

  /** After a take-over nobody knows whether the former owner has undone it: the application does. */
  async #undo(drive: Drive, guard: Guard): Promise<GuardEvent | undefined> {
    const attempt = stateOf(drive.pod)?.attempt;
    if (attempt !== undefined && drive.notUndone !== attempt) {
      const answer = await this.#call(drive, guard, 'status');
      if (answer?.kind !== 'report') return undefined;
      if (answer.report.phase === 'Unknown') return { kind: 'undone', attempt };
    }
    return this.#call(drive, guard, 'undo');
  }

  async #call(drive: Drive, guard: Guard, call: 'start' | 'status' | 'undo'): Promise<GuardEvent | undefined> {
    const { clock, membership, client } = this.#options;
    const { signal } = this.#stopping;
    if (call !== 'status' && !(await this.#isStillOurs(drive, client, signal))) return undefined;
    const state = stateOf(drive.pod);
    if (state === undefined || !membership.isAlive()) return undefined;
    const { attempt } = state;
    const startedAt = clock.monotonic();
    try {
      const report = await this.#withinTime(drive, (callSignal) => {
        const hookCall = this.#hookCall(drive.pod, guard, state, callSignal);
        if (call === 'status') return guard.hook.status(hookCall);
        // From here on it may have been called, whatever comes of it.
        if (call === 'start') drive.unstarted = undefined;
        else drive.notUndone = undefined;
        return guard.hook[call](hookCall).then(() => undefined);
      });
      drive.failures = 0;
      this.#observeCall(guard, call, report?.phase ?? (call === 'undo' ? 'undone' : 'started'), startedAt);
      if (report !== undefined) return { kind: 'report', attempt, report };
      return call === 'undo' ? { kind: 'undone', attempt } : undefined;
    } catch (error) {
      signal.throwIfAborted();
      drive.failures++;
      this.#observeCall(guard, call, 'error', startedAt);
      const { namespace, name } = drive.pod.metadata ?? {};
      this.#options.log.warn('the hook of a deletion guard could not be asked', {
        namespace,
        pod: name,
        guard: guard.name,
        call,
        problem: messageOf(error),
      });
      return undefined;
    }
  }

  /** What starts and undoes is asked for only by who owns the hold now, as the API server has it. */
  async #isStillOurs(drive: Drive, client: GuardClient, signal: AbortSignal): Promise<boolean> {
    const before = stateOf(drive.pod);
    const current = await readPod(client, drive.pod, { signal });
    // What leaves needs no clean-up, and none is taken back.
    if (current === undefined || current.metadata?.deletionTimestamp !== undefined) return false;
    drive.pod = current;
    const { owner, phase, attempt } = stateOf(current) ?? {};
    return before !== undefined && owner === before.owner && phase === before.phase && attempt === before.attempt;
  }

  /** A hook that hangs must not keep the deadline from coming. */
  async #withinTime<T>(drive: Drive, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, hookTimeoutSeconds } = this.#options;
    const milliseconds = Math.max(1, Math.min(hookTimeoutSeconds * 1000, this.#untilDeadline(drive)));
    const timeout = new AbortController();
    const { promise, reject } = Promise.withResolvers<never>();
    const cancel = clock.after(milliseconds, () => timeout.abort(new Error(`no answer within ${milliseconds} ms`)));
    const signal = AbortSignal.any([timeout.signal, this.#stopping.signal]);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    promise.catch(() => undefined);
    try {
      return await Promise.race([call(signal), promise]);
    } finally {
      cancel();
    }
  }

  #untilDeadline(drive: Drive): number {
    const state = stateOf(drive.pod);
    // Past it (a policy of holding on), the hook has its full time again.
    const left = (state?.deadline ?? Infinity) - this.#options.clock.now();
    return left > 0 ? left : Infinity;
  }

  #hookCall(pod: Pod, guard: Guard, state: GuardState, signal: AbortSignal): HookCall {
    return {
      pod,
      guard: guard.name,
      attempt: state.attempt,
      idempotencyKey: `${state.uid}/${state.attempt}`,
      deadline: state.deadline ?? this.#options.clock.now(),
      requester: state.requester,
      verb: state.verb,
      signal,
    };
  }

  #observeCall(
    guard: Guard,
    call: HookCallFacts['call'],
    outcome: HookReport['phase'] | HookCallFacts['outcome'],
    startedAt: number,
  ): void {
    const seconds = (this.#options.clock.monotonic() - startedAt) / 1000;
    this.#options.observer.hookCalled?.({ call, guard: guard.name, outcome, seconds });
  }

  #backoff({ failures }: Drive): number {
    return Math.min(30_000, 500 * 2 ** Math.min(failures, 10));
  }

  /** No guard is for this Pod any more: what was done to it is taken back, and the state with it. */
  async #unguard(drive: Drive): Promise<undefined> {
    const { client, clock, observer } = this.#options;
    const { signal } = this.#stopping;
    const before = stateOf(drive.pod);
    if (drive.pod.metadata?.annotations?.[stateAnnotation] === undefined) return;
    const written = await writeState(client, drive.pod, undefined, { signal });
    if (written.kind !== 'written') return;
    drive.pod = written.pod;
    observer.phaseChanged?.({ pod: written.pod, before, after: undefined });
    await writeInService(client, written.pod, true, clock.now(), { signal });
  }

  /** Renewed by itself: what a beat leads to may take longer than others wait for the next one. */
  #scheduleBeat(): void {
    if (this.#stopping.signal.aborted) return;
    const { clock, membership } = this.#options;
    this.#cancelBeat = clock.after(membership.renewMilliseconds, () => this.#track(this.#beat()));
  }

  async #beat(): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    try {
      await this.#options.membership.renew(signal);
    } finally {
      this.#scheduleBeat();
    }
    if (this.#isTidying) return;
    this.#isTidying = true;
    this.#track(
      this.#tidy(signal).finally(() => {
        this.#isTidying = false;
      }),
    );
  }

  async #tidy(signal: AbortSignal): Promise<void> {
    await this.#takeOver(signal);
    this.#beats++;
    if (this.#beats % beatsBetweenSweeps === 0) await this.#options.slots.sweep(signal);
  }

  /** Claims the holds of replicas that are dead. One that cannot be claimed keeps none of the others. */
  async #takeOver(signal: AbortSignal): Promise<void> {
    const { pods, membership } = this.#options;
    const owned = pods.list().filter((pod) => {
      const owner = stateOf(pod)?.owner;
      return owner !== undefined && owner !== membership.identity && pod.metadata?.deletionTimestamp === undefined;
    });
    const orphans = Map.groupBy(owned, (pod) => stateOf(pod)?.owner ?? '');
    const dead = await membership.findDead(new Set(orphans.keys()), signal);
    for (const owner of dead) {
      for (const pod of orphans.get(owner) ?? []) {
        // Claimed while this replica may itself be taken for dead, a hold would have two owners.
        if (!membership.isAlive()) return;
        try {
          await this.#claimOrphan(pod, signal);
        } catch (error) {
          signal.throwIfAborted();
          const { namespace, name } = pod.metadata ?? {};
          this.#options.log.warn('the hold of a replica that is gone cannot be taken over; it is tried again', {
            namespace,
            pod: name,
            owner,
            problem: messageOf(error),
          });
        }
      }
    }
  }

  async #claimOrphan(pod: Pod, signal: AbortSignal): Promise<void> {
    const { client, membership, guards, clock, observer } = this.#options;
    const guard = guards.guardOf(pod);
    const before = stateOf(pod);
    if (before === undefined) return;
    if (guard === undefined) {
      await writeState(client, pod, undefined, { signal });
      return;
    }
    const { state } = next(before, { kind: 'takeOver', owner: membership.identity }, clock.now(), guard.policy);
    const written = await writeState(client, pod, state, { signal });
    if (written.kind !== 'written') return;
    observer.phaseChanged?.({ pod: written.pod, before, after: state });
    this.#advance(this.#driveOf(written.pod), written.pod);
  }
}

/** The work on one Pod. */
class Drive {
  pod: Pod;
  isStepping = false;
  /** Something happened during the step. */
  isDue = false;
  isLeaving = false;
  /** The attempt that this replica began and for which it has not called `start`. */
  unstarted: number | undefined;
  /** The attempt whose undoing this replica began and for which it has not called `undo`. */
  notUndone: number | undefined;
  /** Calls of the hook that failed in a row. */
  failures = 0;
  cancel: () => void = () => undefined;

  constructor(pod: Pod) {
    this.pod = pod;
  }

  cancelTimer(): void {
    this.cancel();
    this.cancel = () => undefined;
  }
}

const maxRounds = 8;
/** Until a step is taken again that failed, for the API server could not be asked. */
const failureMilliseconds = 1000;
/** With Leases of 15 s, every five minutes. */
const beatsBetweenSweeps = 60;

/** Our own errors say what was asked; others may quote what they were given. */
function messageOf(error: unknown): string {
  if (error instanceof ApiStatusError || error instanceof ApiUnreachableError || error instanceof Error)
    return error.message;
  return String(error);
}
