import type { AuditSink } from './audit-sink.ts';
import type { Clock } from './clock.ts';

/** Where lines end up. */
export interface LineTarget {
  /** Writes whole lines. When it rejects, none of them counts as written, and they are handed in again. */
  append(lines: Buffer): Promise<void>;
  /** The same at the end of the process, when nothing can be waited for. */
  appendSync(lines: Buffer): void;
  close(): Promise<void>;
}

export interface LineWriterOptions {
  readonly target: LineTarget;
  readonly clock: Clock;
  /** What may wait, in UTF-16 code units. Lines beyond it are dropped. Default 8 Mi: half a minute of a busy gate. */
  readonly maxWaiting?: number;
  /** Each line that was dropped. */
  readonly onDrop?: () => void;
  /** The target began to fail, with the reason, or takes lines again, without. */
  readonly onProblem?: (problem: Error | undefined) => void;
}

const defaultMaxWaiting = 8 * 1024 * 1024;
/** So much is written at once; less when the time is up. */
const batchLength = 64 * 1024;
/** How long a line waits for others. */
const batchMilliseconds = 100;
/** How long a target that failed is left alone. */
const retryMilliseconds = 1000;
/** For all that waits, at the end. */
const closeMilliseconds = 3000;

/**
 * Writes lines in batches, one at a time, and never makes the caller wait: what the target cannot take waits in bounded
 * memory, and what does not fit there is dropped and counted. A full disk or a reader that stands still loses lines of a
 * log, and no request.
 */
export class LineWriter implements AuditSink {
  readonly #options: LineWriterOptions;
  readonly #maxWaiting: number;
  #waiting = '';
  /** On its way to the target, or refused by it. */
  #batch: Buffer | undefined;
  #batchUnits = 0;
  #isFailing = false;
  #cancelTimer: (() => void) | undefined;
  #writing: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: LineWriterOptions) {
    this.#options = options;
    this.#maxWaiting = options.maxWaiting ?? defaultMaxWaiting;
  }

  write(line: string): void {
    if (this.#isClosed || this.#waiting.length + this.#batchUnits + line.length >= this.#maxWaiting) {
      return this.#options.onDrop?.();
    }
    this.#waiting += line;
    this.#waiting += '\n';
    if (this.#writing !== undefined) return;
    if (this.#waiting.length >= batchLength && !this.#isFailing) this.#write();
    else this.#cancelTimer ??= this.#options.clock.after(batchMilliseconds, () => this.#write());
  }

  /** Hands everything over without waiting; for the end of a process that nobody closed this in. */
  flushSync(): void {
    // What is being written is in the hands of the system.
    const refused = this.#writing === undefined ? this.#batch : undefined;
    const rest = Buffer.concat([refused ?? Buffer.alloc(0), Buffer.from(this.#waiting)]);
    this.#waiting = '';
    if (refused !== undefined) this.#batch = undefined;
    if (rest.length > 0) this.#options.target.appendSync(rest);
  }

  /** Writes what waits, and closes the target. Gives up after three seconds, or when the target fails. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const tooLong = new Promise<void>((resolve) => void this.#options.clock.after(closeMilliseconds, resolve));
    await Promise.race([this.#finish(), tooLong]);
    this.#dropRest();
    // No more than a second call, unless the time was up.
    void this.#options.target.close().catch(() => undefined);
  }

  async #finish(): Promise<void> {
    await this.#writing;
    this.#isFailing = false;
    while ((this.#waiting !== '' || this.#batch !== undefined) && !this.#isFailing) {
      this.#write();
      await this.#writing;
    }
    this.#cancelTimer?.();
    await this.#options.target.close().catch((error: unknown) => this.#options.onProblem?.(asError(error)));
  }

  #dropRest(): void {
    const lines = `${this.#batch?.toString() ?? ''}${this.#waiting}`.split('\n').length - 1;
    this.#waiting = '';
    this.#batch = undefined;
    for (let line = 0; line < lines; line += 1) this.#options.onDrop?.();
  }

  #write(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#batch === undefined) {
      if (this.#waiting === '') return;
      this.#batch = Buffer.from(this.#waiting);
      this.#batchUnits = this.#waiting.length;
      this.#waiting = '';
    }
    this.#writing = this.#options.target.append(this.#batch).then(
      () => this.#written(),
      (error: unknown) => this.#failed(asError(error)),
    );
  }

  #written(): void {
    this.#writing = undefined;
    this.#batch = undefined;
    this.#batchUnits = 0;
    if (this.#isFailing) this.#options.onProblem?.(undefined);
    this.#isFailing = false;
    if (this.#waiting === '' || this.#isClosed) return;
    if (this.#waiting.length >= batchLength) this.#write();
    else this.#cancelTimer = this.#options.clock.after(batchMilliseconds, () => this.#write());
  }

  #failed(error: Error): void {
    this.#writing = undefined;
    if (!this.#isFailing) this.#options.onProblem?.(error);
    this.#isFailing = true;
    if (!this.#isClosed) this.#cancelTimer = this.#options.clock.after(retryMilliseconds, () => this.#write());
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
