import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Host } from './host.ts';

/** How much of a log an error repeats. */
const tailLines = 20;

/** One program of a control plane with its log file. */
export class ManagedProcess {
  readonly name: string;
  readonly logPath: string;
  /** Fulfilled when it has ended, or could not be started. Waiting for it does not keep this process alive. */
  readonly exited: Promise<void>;
  readonly #child: ChildProcess;
  #failure: Error | undefined;

  /** Starts `command` on `host`; what it writes goes to `<name>.log` there, anew at each start. */
  constructor(host: Host, name: string, command: readonly string[]) {
    this.name = name;
    this.logPath = join(host.directory, `${name}.log`);
    const log = openSync(this.logPath, 'w');
    this.#child = host.spawn(name, command, ['ignore', log, log]);
    closeSync(log);
    this.exited = new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.once('error', (error) => {
        this.#failure = error;
        resolve();
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get hasExited(): boolean {
    return this.#failure !== undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** How it ended, for a message: `ended with code 1`. */
  get ending(): string {
    if (this.#failure !== undefined) return `could not be run (${this.#failure.message})`;
    return this.#child.signalCode === null
      ? `ended with code ${this.#child.exitCode}`
      : `was ended by ${this.#child.signalCode}`;
  }

  lastLogLines(): string[] {
    return readFileSync(this.logPath, 'utf8').trimEnd().split('\n').slice(-tailLines);
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.hasExited) this.#child.kill(signal);
  }

  /** Ends it at once, also when it is frozen, and waits until it is gone. */
  async kill(): Promise<void> {
    this.#child.ref();
    this.signal('SIGKILL');
    await this.exited;
  }

  /** Asks it to end by SIGTERM; after `timeoutMilliseconds` ends it by SIGKILL. */
  async terminate(timeoutMilliseconds: number): Promise<void> {
    this.#child.ref();
    this.signal('SIGTERM');
    const waiting = new AbortController();
    const timeout = delay(timeoutMilliseconds, undefined, { signal: waiting.signal }).catch(() => undefined);
    await Promise.race([this.exited, timeout]);
    waiting.abort();
    await this.kill();
  }
}
