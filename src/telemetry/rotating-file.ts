import { closeSync, fstatSync, openSync, readSync, writeFileSync } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import type { LineTarget } from './line-writer.ts';

export interface RotatingFileOptions {
  readonly path: string;
  /** A file that would grow beyond it is put aside first. What is written at once, at most 8 MiB, stays in one file. */
  readonly maxBytes: number;
  /** How many files there are at most: `path` itself, then `path.1`, the newest of those put aside, and so on. */
  readonly maxFiles: number;
}

/**
 * Lines at the end of a file, which is rotated by size. What could not be written whole is taken back; where that failed, or the
 * process before died in the middle of a line, the next line begins after a line break.
 */
export class RotatingFile implements LineTarget {
  readonly #options: RotatingFileOptions;
  #handle: FileHandle | undefined;
  #size = 0;
  /** The file ends in the middle of a line. */
  #isTorn = false;

  constructor(options: RotatingFileOptions) {
    this.#options = options;
  }

  async append(lines: Buffer): Promise<void> {
    try {
      let handle = await this.#open();
      if (this.#size > 0 && this.#size + lines.length > this.#options.maxBytes) {
        await this.#rotate();
        handle = await this.#open();
      }
      await this.#appendTo(handle, lines);
    } catch (error) {
      // Opened anew next time: what is wrong may be the handle.
      await this.close().catch(() => undefined);
      throw error;
    }
  }

  appendSync(lines: Buffer): void {
    const file = openSync(this.#options.path, flags, mode);
    try {
      const { size } = fstatSync(file);
      const last = Buffer.alloc(1);
      if (size > 0) readSync(file, last, 0, 1, size - 1);
      writeFileSync(file, size > 0 && !last.equals(lineBreak) ? Buffer.concat([lineBreak, lines]) : lines);
    } finally {
      closeSync(file);
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  async #open(): Promise<FileHandle> {
    if (this.#handle !== undefined) return this.#handle;
    const handle = await open(this.#options.path, flags, mode);
    this.#handle = handle;
    this.#size = (await handle.stat()).size;
    const last = Buffer.alloc(1);
    if (this.#size > 0) await handle.read(last, 0, 1, this.#size - 1);
    this.#isTorn = this.#size > 0 && !last.equals(lineBreak);
    return handle;
  }

  async #appendTo(handle: FileHandle, lines: Buffer): Promise<void> {
    const whole = this.#isTorn ? Buffer.concat([lineBreak, lines]) : lines;
    let written = 0;
    try {
      while (written < whole.length) written += (await handle.write(whole, written)).bytesWritten;
    } catch (error) {
      if (written > 0) await handle.truncate(this.#size).catch(() => undefined);
      throw error;
    }
    this.#isTorn = false;
    this.#size += whole.length;
  }

  async #rotate(): Promise<void> {
    const { path, maxFiles } = this.#options;
    await this.close();
    const nameOf = (index: number): string => (index === 0 ? path : `${path}.${index}`);
    await rm(nameOf(maxFiles - 1), { force: true });
    for (let index = maxFiles - 2; index >= 0; index -= 1) {
      await rename(nameOf(index), nameOf(index + 1)).catch((error: unknown) => {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      });
    }
  }
}

/** What there is already is read, to see whether its last line is whole. */
const flags = 'a+';
/** Who did what is nobody's business but the group's that collects logs. */
const mode = 0o640;
const lineBreak = Buffer.from('\n');
