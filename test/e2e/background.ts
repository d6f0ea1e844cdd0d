import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { until } from './until.ts';

/** A process that goes on running, with what it says. */
export class Background {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];

  constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#lines.push(line));
    }
  }

  /** Resolves when a line matches; rejects after a while, or when the process ends first, with what it said. */
  async waitForLine(pattern: RegExp): Promise<void> {
    const isSaid = (): boolean => this.#lines.some((line) => pattern.test(line));
    await until(() => Promise.resolve(isSaid() || this.#child.exitCode !== null), 30).catch(() => undefined);
    if (!isSaid()) throw new Error(`it never said ${String(pattern)}:\n${this.#lines.join('\n')}`);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}
