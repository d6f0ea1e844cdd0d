import { readFile } from 'node:fs/promises';
import { type Clock, systemClock } from '../telemetry/clock.ts';
import { ClusterConfigError } from './errors.ts';

/**
 * How long a file's content is used before it is read again. The kubelet renews a projected token at 80 % of its
 * lifetime, so at least two minutes before the old one ends. Source: k8s.io/client-go v0.37.2 transport/token_source.go.
 */
const freshMilliseconds = 60_000;

/**
 * A value that may change while we run, such as a token in a file that the kubelet rewrites.
 *
 * `get()` may give a value up to a minute old; `refresh()` reads it anew. Both reject with {@link ClusterConfigError}
 * when it has never been readable; later on the last good value is kept.
 */
export interface ChangingValue<T> {
  get(): Promise<T>;
  refresh(): Promise<T>;
}

/** A value that never changes. */
export function constantValue<T>(value: T): ChangingValue<T> {
  return { get: async () => value, refresh: async () => value };
}

/** A value made from files by `read`, which rejects with {@link ClusterConfigError}. */
export function fileValue<T>(read: () => Promise<T>, clock: Clock = systemClock): ChangingValue<T> {
  let last: { readonly value: T; readonly readAt: number } | undefined;
  const refresh = async (): Promise<T> => {
    try {
      last = { value: await read(), readAt: clock.monotonic() };
      return last.value;
    } catch (error) {
      // The files are being replaced, or a volume is gone for a moment: what we have may still be accepted.
      if (last === undefined) throw error;
      last = { value: last.value, readAt: clock.monotonic() };
      return last.value;
    }
  };
  return {
    refresh,
    get: async () =>
      last !== undefined && clock.monotonic() - last.readAt < freshMilliseconds ? last.value : refresh(),
  };
}

/** Content of a file, without blanks around. `purpose` says in the error what it was wanted for. */
export async function readConfigFile(path: string, purpose: string): Promise<string> {
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).trim();
  } catch (error) {
    throw new ClusterConfigError(`${purpose}: cannot read ${path}`, { cause: error });
  }
  if (text === '') throw new ClusterConfigError(`${purpose}: ${path} is empty`);
  return text;
}
