import type { Clock } from '../telemetry/index.ts';

/** A request that has come in whole and waits to be answered. */
export interface Work {
  /** When its answer must be out, on the monotonic clock. */
  readonly deadline: number;
  /** Whether there is nobody left to answer. */
  readonly isOver: boolean;
  /** Whether it goes before others. Asked only when it cannot start at once. */
  isUrgent(): boolean;
  /** Answers it, and calls `onOver` once when there is nothing more to do. */
  run(onOver: () => void): void;
  /** Turns it away. `reason` completes the sentence "webhook x was not called: …". */
  shed(reason: string): void;
}

export interface LoadGateOptions {
  readonly clock: Clock;
  /** Requests that may be at work at one time. A tenth of the places is kept for urgent ones. */
  readonly maxInWork: number;
  /** Requests that may wait for one of those places. */
  readonly maxQueued: number;
  /** Whether a connection was accepted since this was called last. */
  readonly takeArrivals: () => boolean;
}

/**
 * How long requests are started before the event loop may look after its sockets again: callers that come or hang up, probes,
 * and requests that should go first.
 */
const turnMilliseconds = 10;

/**
 * Turns of the event loop between two of work, in each of which Node accepts one connection (libuv since 1.46, `uv__server_io`);
 * callers behind it would give up in the listen queue, unseen. Handshakes take half a millisecond: so many are in their time.
 */
const maxAcceptingTurns = 64;
/** As long as work goes on in one go, so that a rush of connections that does not end takes no more than half of the time. */
const maxAcceptingMilliseconds = turnMilliseconds;

/** A fifth of the way to each new measurement: settles within some ten requests, and forgets one outlier as soon. */
const measurementWeight = 0.2;

/**
 * Decides which requests are answered now, which wait, and which are turned away.
 *
 * A request that finds room and nobody waiting starts at once. The others wait in two queues, urgent before ordinary, each in
 * the order of arrival. Turned away at once is what would have to wait past its deadline, judged by what requests lately
 * took, and what finds the queue full; an urgent one takes the place of the ordinary one that came last. So the server
 * works only on requests that somebody still waits for, and keeps its pace under any load.
 */
export class LoadGate {
  readonly #clock: Clock;
  readonly #maxInWork: number;
  readonly #maxOrdinaryInWork: number;
  readonly #maxQueued: number;
  readonly #takeArrivals: () => boolean;
  readonly #urgent: Work[] = [];
  readonly #ordinary: Work[] = [];
  #inWork = 0;
  #turnStart = 0;
  #isTurnScheduled = false;
  /** Moving means, in milliseconds: how long a request keeps the event loop, and how long it is at work. */
  #loopTime = 0;
  #workTime = 0;

  constructor({ clock, maxInWork, maxQueued, takeArrivals }: LoadGateOptions) {
    this.#clock = clock;
    this.#maxInWork = maxInWork;
    this.#maxOrdinaryInWork = maxInWork - Math.floor(maxInWork / 10);
    this.#maxQueued = maxQueued;
    this.#takeArrivals = takeArrivals;
  }

  get inWork(): number {
    return this.#inWork;
  }

  get queued(): number {
    return this.#urgent.length + this.#ordinary.length;
  }

  submit(work: Work): void {
    const now = this.#clock.monotonic();
    if (now >= work.deadline) return work.shed('it could not be answered before its timeout');
    if (this.queued === 0 && this.#inWork < this.#maxOrdinaryInWork && this.#hasTurnTime(now)) {
      return this.#start(work, now);
    }
    this.#enqueue(work, now);
    this.#drain();
  }

  #enqueue(work: Work, now: number): void {
    const isUrgent = work.isUrgent();
    const ahead = isUrgent ? this.#urgent.length : this.queued;
    if (now + (ahead + 1) * this.#pace() > work.deadline) {
      return work.shed(`${ahead} requests wait before it, and it could not be answered before its timeout`);
    }
    if (this.queued >= this.#maxQueued) {
      const displaced = isUrgent ? this.#ordinary.pop() : undefined;
      if (displaced === undefined) return work.shed(`${this.queued} requests wait already`);
      displaced.shed('it gave its place to a request of the control plane');
    }
    (isUrgent ? this.#urgent : this.#ordinary).push(work);
  }

  /**
   * Milliseconds from one request to the next. Handlers that compute have the event loop one after the other; handlers that
   * wait for something share the time by as many as there are places (Little's law).
   */
  #pace(): number {
    return Math.max(this.#loopTime, this.#workTime / this.#maxInWork);
  }

  #start(work: Work, now: number): void {
    if (!this.#isTurnScheduled) this.#scheduleTurn(now);
    this.#inWork += 1;
    work.run(() => this.#finish(now));
    this.#loopTime += (this.#clock.monotonic() - now - this.#loopTime) * measurementWeight;
  }

  #finish(start: number): void {
    this.#inWork -= 1;
    this.#workTime += (this.#clock.monotonic() - start - this.#workTime) * measurementWeight;
    if (this.queued > 0) this.#drain();
  }

  #drain(): void {
    for (let now = this.#clock.monotonic(); this.#hasTurnTime(now); now = this.#clock.monotonic()) {
      const work =
        (this.#inWork < this.#maxInWork ? this.#urgent.shift() : undefined) ??
        (this.#inWork < this.#maxOrdinaryInWork ? this.#ordinary.shift() : undefined);
      if (work === undefined) return;
      if (work.isOver) continue;
      if (now >= work.deadline) work.shed('it could not be answered before its timeout');
      else this.#start(work, now);
    }
  }

  #hasTurnTime(now: number): boolean {
    return !this.#isTurnScheduled || now - this.#turnStart < turnMilliseconds;
  }

  #scheduleTurn(now: number): void {
    this.#isTurnScheduled = true;
    this.#turnStart = now;
    this.#endTurn(0, Infinity);
  }

  /**
   * The check phase follows the poll phase, in which requests arrive: once for all that came in one turn of the loop, or in the
   * turns in which connections came since `start`.
   */
  #endTurn(acceptingTurns: number, start: number): void {
    setImmediate(() => {
      const now = this.#clock.monotonic();
      const mayAccept = acceptingTurns < maxAcceptingTurns && now - start < maxAcceptingMilliseconds;
      if (mayAccept && this.#takeArrivals()) return this.#endTurn(acceptingTurns + 1, Math.min(start, now));
      this.#isTurnScheduled = false;
      if (this.queued > 0) this.#drain();
    });
  }
}
