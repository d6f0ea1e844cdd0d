import type { WebhookConfiguration } from '../api/webhook-configuration.ts';
import { isNotFound, type KubeClient, type ObjectAddress } from '../kube/index.ts';
import { injectionAnnotation } from './ca-injection.ts';
import { fieldManager } from './managed-fields.ts';

/** Its value on everything of ours is {@link fieldManager}. */
export const managedByLabel = 'app.kubernetes.io/managed-by';
export const nameLabel = 'app.kubernetes.io/name';
export const digestAnnotation = 'sallyport.dev/webhooks-digest';
export const startedAnnotation = 'sallyport.dev/registered-by-start';

/** What a registrar applies beside the webhooks. */
export const ourLabels: readonly string[] = [managedByLabel, nameLabel];
export const ourAnnotations: readonly string[] = [digestAnnotation, startedAnnotation, injectionAnnotation];

const kinds = {
  MutatingWebhookConfiguration: 'mutatingwebhookconfigurations',
  ValidatingWebhookConfiguration: 'validatingwebhookconfigurations',
} as const;
export type ConfigurationKind = keyof typeof kinds;
export const configurationKinds = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'] as const;

export function addressOf(kind: ConfigurationKind, name: string): ObjectAddress {
  return { group: 'admissionregistration.k8s.io', version: 'v1', resource: kinds[kind], name };
}

/** Undefined when there is none. */
export async function getConfiguration(
  client: KubeClient,
  kind: ConfigurationKind,
  name: string,
  signal: AbortSignal | undefined,
): Promise<WebhookConfiguration | undefined> {
  try {
    return await client.get<WebhookConfiguration>(addressOf(kind, name), { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Deletes it in the state that it was seen in; anything else is a conflict. */
export async function deleteConfiguration(
  client: KubeClient,
  kind: ConfigurationKind,
  { metadata }: WebhookConfiguration,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { uid, resourceVersion, name = '' } = metadata ?? {};
  const preconditions = {
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
  };
  try {
    await client.delete(addressOf(kind, name), { signal, preconditions });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Whether we wrote it, or somebody wrote it in our name. */
export function isOurs({ metadata }: WebhookConfiguration): boolean {
  const managers =
    (metadata as { managedFields?: ReadonlyArray<{ manager?: string }> } | undefined)?.managedFields ?? [];
  return (
    metadata?.labels?.[managedByLabel] === fieldManager || managers.some(({ manager }) => manager === fieldManager)
  );
}
