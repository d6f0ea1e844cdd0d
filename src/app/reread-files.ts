import type { Clock, Logger } from '../telemetry/index.ts';

/** A mounted Secret or ConfigMap is changed some time after it was written anew, and long before what it held before ends. */
const rereadMilliseconds = 60_000;

export interface RereadFilesOptions<T> {
  /** Reads all of it; rejects when that cannot be, or when nothing can be made of it. */
  readonly read: () => Promise<T>;
  /** Called with what was read again. What it throws is told, and what there was before is used on. */
  readonly onRead?: (value: T) => void;
  /** What it is, for the log: `credentials for the hub`. */
  readonly what: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What stands in files, read again every minute; what cannot be read again is used as it was. */
export class RereadFiles<T> {
  readonly #options: RereadFilesOptions<T>;
  #current: T;
  #isClosed = false;
  #cancel: () => void = () => undefined;

  private constructor(options: RereadFilesOptions<T>, current: T) {
    this.#options = options;
    this.#current = current;
  }

  /** Rejects with what `read` rejects with. */
  static async open<T>(options: RereadFilesOptions<T>): Promise<RereadFiles<T>> {
    const files = new RereadFiles(options, await options.read());
    files.#schedule();
    return files;
  }

  get current(): T {
    return this.#current;
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  #schedule(): void {
    this.#cancel = this.#options.clock.after(rereadMilliseconds, () => {
      void this.#reread();
      this.#schedule();
    });
  }

  async #reread(): Promise<void> {
    const { read, onRead, what, log } = this.#options;
    try {
      const value = await read();
      if (this.#isClosed) return;
      onRead?.(value);
      this.#current = value;
    } catch (error) {
      log.warn(`${what} cannot be read again and are used as they were`, {
        error: error instanceof Error ? error : new Error(String(error)),
      });
    }
  }
}
