import type { Clock } from '../../src/telemetry/index.ts';

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * The time of a simulated world. Nothing happens but by events, one after the other; what each of them sets off in promises is
 * carried to its end before the next.
 */
export class VirtualTime {
  /** Milliseconds since the world began. */
  now = 0;
  #order = 0;
  readonly #heap: Event[] = [];

  /** How many events are to come. */
  get pending(): number {
    return this.#heap.length;
  }

  after(milliseconds: number, run: () => void): void {
    this.#push({ at: this.now + Math.max(0, milliseconds), order: this.#order++, run });
  }

  /** Resolves after so long. */
  sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.after(milliseconds, resolve));
  }

  /** Runs events until none is left before `end`, or `isOver` says so. */
  async run(end: number, isOver: () => boolean = () => false): Promise<void> {
    await settled();
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.at > end || isOver()) break;
      this.#pop();
      this.now = next.at;
      next.run();
      await settled();
    }
    if (!isOver()) this.now = Math.max(this.now, end);
  }

  /** Runs events until `work` is done, or nothing has come of it for a minute. */
  async until<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const end = (): void => {
      isDone = true;
    };
    work.then(end, end);
    await this.run(this.now + 60_000, () => isDone);
    return work;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent] as Event)) break;
      heap[at] = heap[parent] as Event;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Event;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++;
      if (!isBefore(heap[child] as Event, last)) break;
      heap[at] = heap[child] as Event;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/**
 * Resolves when no promise is left that can go on by itself: a turn of the event loop begins when they all have. The ledger gives
 * up its turn once before a commit, so there are two.
 */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

/** A process of the simulated world: its timers stop with it, wait while it is paused, and its wall clock can be wrong. */
export class Process implements Clock {
  readonly name: string;
  readonly #time: VirtualTime;
  readonly #startedAt: number;
  #wallOffset: number;
  #isAlive = true;
  #pausedUntil = 0;

  constructor(name: string, time: VirtualTime, wallOffset = 0) {
    this.name = name;
    this.#time = time;
    this.#startedAt = time.now;
    this.#wallOffset = wallOffset;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  now(): number {
    return 1_700_000_000_000 + this.#time.now + this.#wallOffset;
  }

  monotonic(): number {
    return this.#time.now - this.#startedAt;
  }

  after(milliseconds: number, callback: () => void): () => void {
    let isCancelled = false;
    this.#time.after(milliseconds, () => this.run(() => (isCancelled ? undefined : callback())));
    return () => {
      isCancelled = true;
    };
  }

  /** Lets something reach the process: now, when its pause is over, or never. */
  run(work: () => void): void {
    if (!this.#isAlive) return;
    if (this.#time.now < this.#pausedUntil) this.#time.after(this.#pausedUntil - this.#time.now, () => this.run(work));
    else work();
  }

  /** As SIGKILL does. */
  kill(): void {
    this.#isAlive = false;
  }

  /** As SIGSTOP and SIGCONT do. */
  pause(milliseconds: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#time.now + milliseconds);
  }

  jumpWallClock(milliseconds: number): void {
    this.#wallOffset += milliseconds;
  }
}
