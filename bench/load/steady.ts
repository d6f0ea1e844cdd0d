import { Agent, request } from 'node:https';
import type { Socket } from 'node:net';
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
  /**
   * The longest that anybody waited for an answer of whatever kind, in milliseconds: from when the request was written to a
   * connection that was there, and less what this process itself was late, for which the answer may have lain here.
   */
  readonly longestMilliseconds: number;
  /** The same as it was seen: from before the connection was asked for, and with what this process was late. */
  readonly longestSeenMilliseconds: number;
  /** The most that this process was late, in milliseconds. */
  readonly ownDelayMilliseconds: number;
  /** From the first request sent to the last answer. */
  readonly seconds: number;
}

/** Sends reviews at a fixed rate, whatever becomes of those before, over as many kept connections as that takes. */
export async function steadyLoad({ port, path, files, perSecond, seconds }: SteadyOptions): Promise<SteadyResult> {
  using agent = new DisposableAgent({ keepAlive: true, ca: files.ca, maxSockets: Infinity, maxFreeSockets: Infinity });
  const body = files.probe;
  const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
  const result = {
    sent: 0,
    answered: 0,
    shed: 0,
    failed: 0,
    longestMilliseconds: 0,
    longestSeenMilliseconds: 0,
    ownDelayMilliseconds: 0,
  };
  const punctuality = new Punctuality();
  const one = (): Promise<void> =>
    new Promise((resolve) => {
      const began = performance.now();
      let written = Infinity;
      const over = (status: number | undefined): void => {
        const now = performance.now();
        const waited = now - written - punctuality.delayMilliseconds(now);
        result.longestMilliseconds = Math.max(result.longestMilliseconds, waited);
        result.longestSeenMilliseconds = Math.max(result.longestSeenMilliseconds, now - began);
        if (status === 200) result.answered += 1;
        else if (status === 503) result.shed += 1;
        else result.failed += 1;
        resolve();
      };
      request({ host: '127.0.0.1', port, path, method: 'POST', headers, agent }, (response) => {
        response.resume();
        response.on('end', () => over(response.statusCode));
      })
        .on('socket', (socket: Socket) => {
          const connected = (): void => void (written = performance.now());
          if (socket.connecting) socket.once('secureConnect', connected);
          else connected();
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
    await new Promise((resolve) => setTimeout(resolve, pauseMilliseconds));
    punctuality.tick();
  }
  while (open.size > 0) {
    await new Promise((resolve) => setTimeout(resolve, pauseMilliseconds));
    punctuality.tick();
  }
  result.ownDelayMilliseconds = punctuality.longestMilliseconds;
  return { ...result, seconds: (performance.now() - began) / 1000 };
}

const pauseMilliseconds = 2;

/** How late this process is: what arrives for it while its turn of the loop lasts, or while others have its core, is seen so much later. */
class Punctuality {
  longestMilliseconds = 0;
  #lastTick = performance.now();
  #delay = 0;

  /** To be called after each pause. */
  tick(): void {
    const now = performance.now();
    this.#delay = Math.max(0, now - this.#lastTick - pauseMilliseconds);
    this.#lastTick = now;
    this.longestMilliseconds = Math.max(this.longestMilliseconds, this.#delay);
  }

  /** Of what is seen now: the turn before this one may have been the long one. */
  delayMilliseconds(now: number): number {
    return Math.max(this.#delay, now - this.#lastTick - pauseMilliseconds, 0);
  }
}

class DisposableAgent extends Agent implements Disposable {
  [Symbol.dispose](): void {
    this.destroy();
  }
}
