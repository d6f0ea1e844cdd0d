import { join } from 'node:path';
import type { BenchFiles } from '../subjects/files.ts';
import { goProgram } from '../subjects/go-program.ts';
import { onLoadCore } from './on-load-core.ts';

export interface SteadyOptions {
  readonly url: string;
  readonly files: BenchFiles;
  readonly perSecond: number;
  readonly seconds: number;
  /** After so long, with its connection, a caller gives up, as an API server does. */
  readonly timeoutMilliseconds: number;
}

export interface SteadyResult {
  readonly sent: number;
  /** Not sent, since 600 were under way, more than which an API server does not take itself. */
  readonly held: number;
  /** Answered 200. */
  readonly answered: number;
  /** Of those, how many a second while requests were being sent. */
  readonly answeredPerSecond: number;
  /** Answered 503. */
  readonly shed: number;
  /** Given up before there was a connection. */
  readonly unconnected: number;
  /** Given up after that; waiting for the connection had taken part of the time. */
  readonly unanswered: number;
  /** Anything else: another answer, or a connection that was closed. */
  readonly failed: number;
  /** The longest that anybody who had a connection waited for an answer of whatever kind, in milliseconds. */
  readonly longestMilliseconds: number;
  /** Connections that were asked for. */
  readonly connections: number;
  /** The longest that the load generator paused between two looks at its clock, in milliseconds. */
  readonly ownDelayMilliseconds: number;
}

/** Sends 4 KB reviews at a fixed rate, whatever becomes of those before, from the core set aside for that. */
export async function steadyLoad(options: SteadyOptions): Promise<SteadyResult> {
  const { url, files, perSecond, seconds, timeoutMilliseconds } = options;
  const program = goProgram('steady', join(import.meta.dirname, 'steady'));
  const target = ['-url', url, '-ca', join(files.certificates, 'ca.crt'), '-body', files.review(4)];
  const pace = ['-rate', String(perSecond), '-seconds', String(seconds), '-timeout', `${timeoutMilliseconds}ms`];
  // What steady/main.go prints.
  return JSON.parse(await onLoadCore(program, [...target, ...pace])) as SteadyResult;
}
