import type { Secret } from '../api/generated/core.v1.ts';
import { isAlreadyExists, isConflict, isNotFound, wait, type KubeClient, type ObjectAddress } from '../kube/index.ts';
import type { Clock } from '../telemetry/index.ts';
import type { SecretStore, StoredSecret } from './secret-store.ts';

export interface KubeSecretStoreOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  readonly clock: Clock;
}

/** A watch that broke off is taken up again after this time: not at once, as the API server may be starting. */
const watchAgainMilliseconds = 1000;

/**
 * One Secret of a cluster. Needs, in its namespace: get, watch and update of this name, and create (which RBAC cannot
 * restrict to a name; not needed where somebody makes the Secret beforehand).
 *
 * A broken watch is taken up again silently; the sources look at the Secret once a minute besides.
 */
export function kubeSecretStore(options: KubeSecretStoreOptions): SecretStore {
  const { client, namespace, name } = options;
  const collection = { group: '', version: 'v1', resource: 'secrets', namespace };
  const address: ObjectAddress = { ...collection, name };
  return {
    name,
    namespace,
    get: async (signal) => {
      try {
        return await client.get<Secret>(address, { signal });
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    create: (secret, signal) => racing(() => client.create<Secret>(collection, secret, { signal }), isAlreadyExists),
    replace: (secret, signal) =>
      racing(
        () => client.replace<Secret>(address, secret, { signal }),
        (error) => isConflict(error) || isNotFound(error),
      ),
    watch: (onChange) => {
      const stopping = new AbortController();
      void watchSecret(options, onChange, stopping.signal);
      return () => stopping.abort();
    },
  };
}

async function racing(write: () => Promise<Secret>, isLostRace: (error: unknown) => boolean): Promise<StoredSecret> {
  try {
    return { kind: 'stored', secret: await write() };
  } catch (error) {
    if (isLostRace(error)) return { kind: 'lost-race' };
    throw error;
  }
}

async function watchSecret(options: KubeSecretStoreOptions, onChange: () => void, signal: AbortSignal): Promise<void> {
  const { client, namespace, name, clock } = options;
  const collection = { group: '', version: 'v1', resource: 'secrets', namespace };
  while (!signal.aborted) {
    try {
      // It may have been deleted in a gap, which no event tells: so each opening counts as a change.
      const selection = { fieldSelector: `metadata.name=${name}`, onOpen: onChange, signal };
      for await (const { type } of client.watch<Secret>(collection, selection)) if (type !== 'BOOKMARK') onChange();
    } catch {
      // Whatever broke it, taking it up again is all there is to do; who reads the Secret next says what is wrong.
    }
    if (!signal.aborted) await wait(clock, watchAgainMilliseconds, signal).catch(() => undefined);
  }
}
