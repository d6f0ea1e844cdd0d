import type { WebhookConfiguration } from '../api/webhook-configuration.ts';
import { isConflict, isNotFound, wait, type KubeClient } from '../kube/index.ts';
import type { Clock } from '../telemetry/index.ts';
import {
  addressOf,
  configurationKinds,
  deleteConfiguration,
  getConfiguration,
  isOurs,
  type ConfigurationKind,
} from './configuration-objects.ts';
import { UnregisterContestedError } from './errors.ts';

/** On a configuration that is about to be deleted on purpose: who keeps it registered is not to bring it back. */
const unregisteredAnnotation = 'sallyport.dev/unregistered';

/** Whether it is being deleted by {@link unregister}. */
export function isUnregistered({ metadata }: WebhookConfiguration): boolean {
  return metadata?.annotations?.[unregisteredAnnotation] !== undefined;
}

export interface UnregisterOptions {
  readonly client: KubeClient;
  /** Name of both configurations. */
  readonly name: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** From the mark to the deletion: the registrars see it by watch. */
const noticeMilliseconds = 500;
/** From the deletion to the look whether it lasts. */
const lastMilliseconds = 1500;
/** A replica that comes up in the middle registers once; one that does so thrice does not heed the mark. */
const maxRounds = 3;

/**
 * Removes the configurations of this registration name, if they are ours, and sees to it that they stay away: they are marked
 * first, which registrars heed until they are started anew. Resolves with what was removed, as `Kind/name`.
 *
 * Throws {@link UnregisterContestedError} when somebody goes on registering.
 */
export async function unregister(options: UnregisterOptions): Promise<string[]> {
  const { clock, name, signal } = options;
  const removed = new Set<string>();
  for (let round = 0; round < maxRounds; round += 1) {
    const marked = await forEachOurs(options, (kind, current) => mark(options, kind, current));
    if (marked.length === 0) return [...removed];
    await wait(clock, noticeMilliseconds, signal);
    const deleted = await forEachOurs(options, (kind, current) =>
      deleteConfiguration(options.client, kind, current, signal),
    );
    for (const kind of deleted) removed.add(`${kind}/${name}`);
    await wait(clock, lastMilliseconds, signal);
  }
  const left = await forEachOurs(options, () => Promise.resolve());
  if (left.length > 0) throw new UnregisterContestedError(left.map((kind) => `${kind}/${name}`));
  return [...removed];
}

/** Does it to each configuration that is there and ours, once more where somebody wrote in the same moment. */
async function forEachOurs(
  { client, name, signal }: UnregisterOptions,
  act: (kind: ConfigurationKind, current: WebhookConfiguration) => Promise<void>,
): Promise<ConfigurationKind[]> {
  const kinds: ConfigurationKind[] = [];
  for (const kind of configurationKinds) {
    for (let current = await getConfiguration(client, kind, name, signal); current !== undefined && isOurs(current);) {
      try {
        await act(kind, current);
        kinds.push(kind);
        break;
      } catch (error) {
        if (!isConflict(error)) throw error;
        current = await getConfiguration(client, kind, name, signal);
      }
    }
  }
  return kinds;
}

async function mark(
  { client, clock, name, signal }: UnregisterOptions,
  kind: ConfigurationKind,
  { metadata }: WebhookConfiguration,
): Promise<void> {
  const annotations = { [unregisteredAnnotation]: new Date(clock.now()).toISOString() };
  const changes = { metadata: { annotations, resourceVersion: metadata?.resourceVersion } };
  try {
    await client.patch(
      addressOf(kind, name),
      { type: 'merge', changes },
      { fieldManager: 'sallyport-unregister', signal },
    );
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
