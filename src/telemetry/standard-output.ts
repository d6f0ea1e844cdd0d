import { close, constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { LineTarget } from './line-writer.ts';

const writeTo = promisify(write);

/** Between two tries at a pipe that is full. */
const fullPipeMilliseconds = 20;

/**
 * Standard output, without `process.stdout`, whose writes into a pipe block the process while its reader stands still.
 *
 * A pipe is opened a second time, so that it can be written without blocking while everybody else who holds it keeps what they
 * expect; where that cannot be done, a write blocks one thread of Node's pool.
 */
export class StandardOutput implements LineTarget {
  readonly #file: number;
  readonly #isOwn: boolean;
  #isClosed = false;

  /** `file` is a file descriptor; default: that of standard output. */
  constructor(file = 1) {
    const own = openWithoutBlocking(file);
    this.#file = own ?? file;
    this.#isOwn = own !== undefined;
  }

  async append(lines: Buffer): Promise<void> {
    let written = 0;
    while (written < lines.length) {
      // After the wait below its number may be that of another file.
      if (this.#isClosed) throw new Error('standard output is closed');
      try {
        written += (await writeTo(this.#file, lines, written)).bytesWritten;
      } catch (error) {
        if (!isFull(error)) throw error;
        await sleep(fullPipeMilliseconds, undefined, { ref: false });
      }
    }
  }

  appendSync(lines: Buffer): void {
    try {
      let written = 0;
      while (written < lines.length) written += writeSync(this.#file, lines, written);
    } catch (error) {
      // The process ends; whoever does not read now will not get it.
      if (!isFull(error)) throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#isOwn) await promisify(close)(this.#file);
  }
}

function openWithoutBlocking(file: number): number | undefined {
  if (!fstatSync(file).isFIFO()) return undefined;
  try {
    return openSync(`/proc/self/fd/${file}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN';
}
