import { Agent, request } from 'node:https';
import type { BenchFiles } from '../subjects/files.ts';

export interface SteadyOptions {
  readonly port: number;
  /** With the `timeout` that an API server would add. */
  readonly path: string;
  readonly files: BenchFiles;
  readonly perSecond: number;
  readonly seconds: number;
}

export interface SteadyResult {
  readonly sent: number;
  /** Answered 200. */
  readonly answered: number;
  /** Answered 503. */
  readonly shed: number;
  /** Anything else: another answer, or none. */
  readonly failed: number;
  /** The longest that anybody waited for an answer of whatever kind, in milliseconds. */
  readonly longestMilliseconds: number;
  /** From the first request sent to the last answer. */
  readonly seconds: number;
}

/** Sends reviews at a fixed rate, whatever becomes of those before, over as many kept connections as that takes. */
export async function steadyLoad({ port, path, files, perSecond, seconds }: SteadyOptions): Promise<SteadyResult> {
  using agent = new DisposableAgent({ keepAlive: true, ca: files.ca, maxSockets: Infinity, maxFreeSockets: Infinity });
  const body = files.probe;
  const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
  const result = { sent: 0, answered: 0, shed: 0, failed: 0, longestMilliseconds: 0 };
  const one = (): Promise<void> =>
    new Promise((resolve) => {
      const began = performance.now();
      const over = (status: number | undefined): void => {
        result.longestMilliseconds = Math.max(result.longestMilliseconds, performance.now() - began);
        if (status === 200) result.answered += 1;
        else if (status === 503) result.shed += 1;
        else result.failed += 1;
        resolve();
      };
      request({ host: '127.0.0.1', port, path, method: 'POST', headers, agent }, (response) => {
        response.resume();
        response.on('end', () => over(response.statusCode));
      })
        .on('error', () => over(undefined))
        .end(body);
    });
  const began = performance.now();
  const open = new Set<Promise<void>>();
  for (let now = 0; now < seconds * 1000; now = performance.now() - began) {
    for (const due = Math.floor((now / 1000) * perSecond); result.sent < due; result.sent += 1) {
      const sent = one();
      open.add(sent);
      void sent.then(() => open.delete(sent));
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await Promise.all(open);
  return { ...result, seconds: (performance.now() - began) / 1000 };
}

class DisposableAgent extends Agent implements Disposable {
  [Symbol.dispose](): void {
    this.destroy();
  }
}
