import type { IncomingMessage } from 'node:http';
import type { KubernetesObject } from '../api/object-meta.ts';
import type { Status } from '../api/status.ts';
import type { Clock } from '../telemetry/clock.ts';
import { ApiStatusError, ApiUnreachableError } from './errors.ts';

/** What a watch tells. A bookmark says only that everything up to `resourceVersion` has been told. */
export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface WatchStreamOptions {
  /** What was asked, for messages. */
  readonly request: string;
  readonly clock: Clock;
  /** Without a byte for this long the watch ends. */
  readonly idleTimeoutMilliseconds: number;
  readonly signal: AbortSignal | undefined;
}

const newline = 0x0a;

/**
 * Reads the events of a watch from the body of its answer: one JSON document per line.
 *
 * Ends when the server ends the watch in order, and when it was silent for too long: a server to which nothing happens
 * looks the same as one that is gone, only another request tells. Throws {@link ApiStatusError} for an event of type
 * ERROR, {@link ApiUnreachableError} when the connection breaks or carries something else, and the signal's reason when
 * that aborts. Leaving the loop, in whatever way, closes the connection.
 *
 * Source: k8s.io/apimachinery v0.37.2 pkg/apis/meta/v1/watch.go, WatchEvent.
 */
export async function* readWatchStream<T extends KubernetesObject>(
  response: IncomingMessage,
  options: WatchStreamOptions,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  const { request, clock, idleTimeoutMilliseconds, signal } = options;
  let isSilent = false;
  const startIdleTimer = () =>
    clock.after(idleTimeoutMilliseconds, () => {
      isSilent = true;
      response.destroy();
    });
  let stopIdleTimer = startIdleTimer();
  const abort = () => void response.destroy();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    let pending: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) {
      stopIdleTimer();
      let rest = chunk;
      for (let end = rest.indexOf(newline); end !== -1; end = rest.indexOf(newline)) {
        pending.push(rest.subarray(0, end));
        const line = Buffer.concat(pending).toString('utf8');
        pending = [];
        rest = rest.subarray(end + 1);
        if (line.trim() !== '') yield parseEvent<T>(line, request);
      }
      if (rest.length > 0) pending.push(rest);
      stopIdleTimer();
      stopIdleTimer = startIdleTimer();
    }
    if (Buffer.concat(pending).toString('utf8').trim() !== '') {
      throw new ApiUnreachableError(request, 'the watch ended in the middle of an event');
    }
    signal?.throwIfAborted();
  } catch (error) {
    signal?.throwIfAborted();
    if (isSilent) return;
    if (error instanceof ApiStatusError || error instanceof ApiUnreachableError) throw error;
    throw new ApiUnreachableError(request, `the watch broke off: ${String(error)}`, { cause: error });
  } finally {
    stopIdleTimer();
    signal?.removeEventListener('abort', abort);
  }
}

function parseEvent<T extends KubernetesObject>(line: string, request: string): WatchEvent<T> {
  let event: { readonly type?: unknown; readonly object?: unknown };
  try {
    event = JSON.parse(line) as typeof event;
  } catch (error) {
    throw new ApiUnreachableError(request, 'the watch carried a line that is not JSON', { cause: error });
  }
  const { type, object } = event;
  if (typeof object === 'object' && object !== null) {
    switch (type) {
      case 'ADDED':
      case 'MODIFIED':
      case 'DELETED':
        // The caller names the type of what it asked for; the API server has validated it.
        return { type, object: object as T };
      case 'BOOKMARK':
        return { type, resourceVersion: (object as KubernetesObject).metadata?.resourceVersion ?? '' };
      case 'ERROR': {
        const status = object as Status;
        throw new ApiStatusError(request, status.code ?? 500, status);
      }
    }
  }
  throw new ApiUnreachableError(request, `the watch carried an event of unknown type ${JSON.stringify(type)}`);
}
