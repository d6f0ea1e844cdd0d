import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { onLoadCore } from './on-load-core.ts';

export interface WrkOptions {
  readonly url: string;
  /** File whose content is the body of each request. */
  readonly bodyFile: string;
  readonly connections: number;
  readonly seconds: number;
  /** A new connection for each request. Default: connections are kept. */
  readonly closes?: boolean;
}

export interface WrkResult {
  readonly requests: number;
  readonly seconds: number;
  /** Answers that were not 200, and requests without an answer. */
  readonly failures: number;
  readonly p50Milliseconds: number;
  readonly p99Milliseconds: number;
}

/** Sends one review over and over from the core set aside for that. */
export async function wrk({ url, bodyFile, connections, seconds, closes = false }: WrkOptions): Promise<WrkResult> {
  const script = join(import.meta.dirname, 'wrk.lua');
  const pace = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--timeout', '30s'];
  const output = await onLoadCore('wrk', [...pace, '-s', script, url, '--', bodyFile, String(closes)]);
  const line = /^result (.*)$/m.exec(output)?.[1];
  if (line === undefined) throw new Error(`wrk gave no result:\n${output}`);
  // What wrk.lua prints.
  return JSON.parse(line) as WrkResult;
}

/** Installs Debian's wrk when it is not there. */
export function ensureWrk(): void {
  if (spawnSync('wrk', ['-v']).error === undefined) return;
  const { status } = spawnSync('apt-get', ['install', '-y', '--no-install-recommends', 'wrk'], { stdio: 'inherit' });
  if (status !== 0) throw new Error('wrk is missing and could not be installed: apt-get install wrk, as root');
}
