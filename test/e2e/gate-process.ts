import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { ControlPlane } from '../../src/testing/control-plane/index.ts';

const root = resolve(import.meta.dirname, '../..');

interface GateProcessOptions {
  /** What comes after `sallyport`, without the configuration. Default: `serve`. */
  readonly command?: readonly string[];
  /** On top of what the plane and this process have. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Lines that tell that it is there. Default: that it has registered its webhooks. */
  readonly ready?: readonly RegExp[];
  /** Folder of a changed copy of the sources. Default: the sources as they are. */
  readonly build?: string;
}

const registered = [
  /ValidatingWebhookConfiguration.*wrote the webhook configuration/,
  /the API server accepts the served certificate/,
];

/** `sallyport serve` as its own process beside a control plane, with its log at hand. */
export class GateProcess {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #lines: string[] = [];
  readonly #waiting = new Set<() => void>();

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        this.#lines.push(line);
        for (const look of [...this.#waiting]) look();
      });
    }
    child.once('exit', () => {
      for (const look of [...this.#waiting]) look();
    });
  }

  /** Starts it with a GateConfiguration; `registration` and others are YAML. Waits until the webhooks are registered. */
  static async start(
    plane: ControlPlane,
    configuration: string,
    { command: words = ['serve'], environment = {}, ready = registered, build = root }: GateProcessOptions = {},
  ): Promise<GateProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-gate-'));
    const file = join(folder, 'gate.yaml');
    const head = 'apiVersion: config.sallyport.dev/v1alpha1\nkind: GateConfiguration\n';
    writeFileSync(file, head + configuration);
    const command = [
      process.execPath,
      '--conditions=sallyport-source',
      join(build, 'src/cli/main.ts'),
      ...words,
      '--config',
      file,
    ];
    const child = plane.spawn(command, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...environment } });
    const gate = new GateProcess(child, folder);
    try {
      for (const pattern of ready) await gate.waitForLine(pattern);
    } catch (error) {
      await gate.stop();
      throw error;
    }
    return gate;
  }

  get log(): string {
    return this.#lines.join('\n');
  }

  /** Resolves when a line of the log matches; rejects after 30 s or when the process ends first. */
  async waitForLine(pattern: RegExp): Promise<void> {
    const deadline = AbortSignal.timeout(30_000);
    for (;;) {
      if (this.#lines.some((line) => pattern.test(line))) return;
      if (this.#child.exitCode !== null || deadline.aborted) {
        throw new Error(`the gate never said ${String(pattern)}; it said:\n${this.log}`);
      }
      await new Promise<void>((done) => {
        const look = (): void => {
          this.#waiting.delete(look);
          deadline.removeEventListener('abort', look);
          done();
        };
        this.#waiting.add(look);
        deadline.addEventListener('abort', look, { once: true });
      });
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** SIGTERM, and the end of the drain. Resolves with the exit code. */
  async terminate(): Promise<number | null> {
    if (this.#child.exitCode === null) {
      this.#child.kill('SIGTERM');
      await once(this.#child, 'exit');
    }
    rmSync(this.#folder, { recursive: true, force: true });
    return this.#child.exitCode;
  }

  /** SIGKILL. */
  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL');
      await once(this.#child, 'exit');
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
