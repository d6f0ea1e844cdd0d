import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Endpoint } from './balancer.ts';

export interface ReplicaOptions extends Endpoint {
  /** Folder of the build: its `src/cli/main.ts` is run. */
  readonly build: string;
  /** GateConfiguration in YAML, without `server`. */
  readonly configuration: string;
  /** What comes after `sallyport`. */
  readonly command: readonly string[];
  /** Added to that of this process. */
  readonly environment: Readonly<Record<string, string>>;
}

/** `sallyport serve`, or whatever the command is, as a process of its own. */
export class Replica implements Endpoint {
  readonly name: string;
  readonly port: number;
  readonly healthPort: number;
  readonly log: string[] = [];
  /** How often it took another certificate into use. */
  certificates = 0;
  readonly #child: ChildProcess;
  readonly #folder: string;

  constructor({ name, port, healthPort, build, configuration, command, environment }: ReplicaOptions) {
    this.name = name;
    this.port = port;
    this.healthPort = healthPort;
    this.#folder = mkdtempSync(join(tmpdir(), 'sallyport-replica-'));
    const file = join(this.#folder, 'gate.yaml');
    writeFileSync(file, `${configuration}server: { host: 127.0.0.1, port: ${port}, healthPort: ${healthPort} }\n`);
    const main = join(build, 'src/cli/main.ts');
    this.#child = spawn(process.execPath, ['--conditions=sallyport-source', main, ...command, '--config', file], {
      cwd: build,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        this.log.push(line);
        if (line.includes('"new handshakes use another certificate"')) this.certificates += 1;
      });
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves with its exit code once it has ended after SIGTERM. */
  async terminate(): Promise<number | null> {
    this.signal('SIGTERM');
    return this.#ended();
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#ended();
  }

  async #ended(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
    rmSync(this.#folder, { recursive: true, force: true });
    return this.#child.exitCode;
  }
}
