import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { request } from 'node:https';
import type { BenchFiles } from './files.ts';

/** The core that servers are pinned to; what asks them runs on the other one. */
export const serverCore = '0';
export const loadCore = '1';

export interface ProcessOptions {
  readonly name: string;
  readonly command: readonly string[];
  readonly port: number;
  readonly files: BenchFiles;
  readonly environment?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Pins it to {@link serverCore}. Default: true. */
  readonly isPinned?: boolean;
  /** Where it answers mutating and validating reviews. Default: `/mutate` and `/validate`. */
  readonly paths?: { readonly mutate: string; readonly validate: string };
}

/** A webhook server under measurement: a process of its own on loopback. What it prints goes to a file, as in a container. */
export class SubjectProcess implements AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly paths: { readonly mutate: string; readonly validate: string };
  /** Milliseconds from its start to its answer to a review, which is asked for again and again until it comes. */
  readonly startMilliseconds: number;
  readonly #child: ChildProcess;

  private constructor(options: ProcessOptions, child: ChildProcess, startMilliseconds: number) {
    this.name = options.name;
    this.port = options.port;
    this.paths = options.paths ?? { mutate: '/mutate', validate: '/validate' };
    this.startMilliseconds = startMilliseconds;
    this.#child = child;
  }

  /** Starts it, and waits until it answers a review. */
  static async start(options: ProcessOptions): Promise<SubjectProcess> {
    const { name, command, files, environment, cwd, isPinned = true } = options;
    const log = openSync(join(files.directory, `${name.replaceAll(/\W+/g, '-')}.log`), 'w');
    const [program = '', ...rest] = isPinned ? ['taskset', '-c', serverCore, ...command] : command;
    const began = performance.now();
    const child = spawn(program, rest, {
      cwd,
      env: { ...process.env, ...environment },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const paths = options.paths ?? { mutate: '/mutate', validate: '/validate' };
    for (const deadline = began + 60_000; ;) {
      if (await answers(options.port, paths.validate, files)) break;
      if (child.exitCode !== null || performance.now() > deadline) {
        child.kill('SIGKILL');
        throw new Error(`${name} does not serve; see its log in ${files.directory}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return new SubjectProcess(options, child, performance.now() - began);
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.name} did not start`);
    return this.#child.pid;
  }

  url(operation: 'mutate' | 'validate'): string {
    return `https://127.0.0.1:${this.port}${this.paths[operation]}`;
  }

  /** Seconds of CPU that it has used, in all its threads. Source: proc(5), `/proc/<pid>/stat`, utime and stime. */
  cpuSeconds(): number {
    const fields = readFileSync(`/proc/${this.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond;
  }

  /** MiB of memory that it holds now, or held at most. Source: proc(5), `/proc/<pid>/status`. */
  memoryMebibytes(which: 'VmRSS' | 'VmHWM' = 'VmRSS'): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(new RegExp(`^${which}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024;
  }

  /** Stops or continues it, so that only one subject uses the core. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}

/** Linux' USER_HZ, which is 100 on every machine that Node runs on. */
const clockTicksPerSecond = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout) || 100;

/** A port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A TCP server that listens has an address of this form.
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Sends one review; undefined when there was no answer. */
export function post(port: number, path: string, body: string, files: BenchFiles): Promise<string | undefined> {
  return new Promise((resolve) => {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
    const sent = request(
      { host: '127.0.0.1', port, path, method: 'POST', headers, ca: files.ca, agent: false, timeout: 5000 },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve(response.statusCode === 200 ? Buffer.concat(chunks).toString() : undefined));
        response.on('error', () => resolve(undefined));
      },
    );
    sent.on('error', () => resolve(undefined));
    sent.end(body);
  });
}

async function answers(port: number, path: string, files: BenchFiles): Promise<boolean> {
  return (await post(port, path, files.probe, files)) !== undefined;
}
