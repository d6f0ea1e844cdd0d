import type { WebhookConfiguration } from '../api/webhook-configuration.ts';
import { isConflict, type KubeClient } from '../kube/index.ts';
import type { Clock } from '../telemetry/index.ts';
import {
  addressOf,
  configurationKinds,
  getConfiguration,
  isOurs,
  ourAnnotations,
  ourLabels,
  type ConfigurationKind,
} from './configuration-objects.ts';
import { appliedEntries, fieldManager } from './managed-fields.ts';

/**
 * On a configuration: its webhooks are to have `failurePolicy: Ignore` until somebody takes it off. The value is JSON: since
 * when, and which webhooks had Fail before. Every registrar heeds it, so that no replica undoes what a person did to get
 * back into the cluster.
 */
const rescuedAnnotation = 'sallyport.dev/rescued';

export interface RescueOptions {
  readonly client: KubeClient;
  /** Name of both configurations. */
  readonly name: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** What one call did to one webhook; `from` and `to` are equal where there was nothing to do. */
export interface RescuedWebhook {
  /** `Kind/name`. */
  readonly configuration: string;
  readonly webhook: string;
  readonly from: string;
  readonly to: string;
}

/**
 * Sets every webhook of ours to `failurePolicy: Ignore`, so that requests pass when the gate does not answer. What the gate
 * answers still counts. Twice is as good as once. Resolves with every webhook; with none when nothing of ours is registered
 * by this name.
 */
export async function rescue(options: RescueOptions): Promise<RescuedWebhook[]> {
  return change(options, (current) => {
    const before = rescueOf(current);
    const failing = ourWebhooks(current)
      .filter(({ failurePolicy }) => failurePolicy !== 'Ignore')
      .map(({ name }) => name);
    const webhooks = [...new Set([...(before?.webhooks ?? []), ...failing])].sort();
    if (before !== undefined && failing.length === 0) return undefined;
    const at = before?.at ?? new Date(options.clock.now()).toISOString();
    return { rescue: { at, webhooks }, policyOf: () => 'Ignore' };
  });
}

/** Gives every webhook that {@link rescue} changed its `failurePolicy: Fail` back. */
export async function undoRescue(options: RescueOptions): Promise<RescuedWebhook[]> {
  return change(options, (current) => {
    const before = rescueOf(current);
    if (before === undefined) return undefined;
    return {
      rescue: undefined,
      policyOf: (name, present) => (before.webhooks.includes(name) ? 'Fail' : present),
    };
  });
}

/** `wanted` as it has to be while `current` is rescued. */
export function heedRescue<T extends WebhookConfiguration>(wanted: T, current: WebhookConfiguration | undefined): T {
  const annotation = current?.metadata?.annotations?.[rescuedAnnotation];
  if (annotation === undefined) return wanted;
  const { metadata, webhooks } = wanted;
  return {
    ...wanted,
    metadata: { ...metadata, annotations: { ...metadata?.annotations, [rescuedAnnotation]: annotation } },
    webhooks: webhooks?.map((webhook) => ({ ...webhook, failurePolicy: 'Ignore' as const })),
  };
}

/** Since when a configuration is rescued; undefined when it is not. */
export function rescuedSince(configuration: WebhookConfiguration | undefined): string | undefined {
  return configuration === undefined ? undefined : rescueOf(configuration)?.at;
}

interface Rescue {
  readonly at: string;
  readonly webhooks: readonly string[];
}

interface Change {
  readonly rescue: Rescue | undefined;
  readonly policyOf: (webhook: string, present: string) => string;
}

async function change(
  options: RescueOptions,
  decide: (current: WebhookConfiguration) => Change | undefined,
): Promise<RescuedWebhook[]> {
  const changed: RescuedWebhook[] = [];
  for (const kind of configurationKinds) changed.push(...(await changeKind(options, kind, decide)));
  return changed;
}

/** Ends: each lost race is a write of somebody else, who comes to rest. */
async function changeKind(
  { client, name, signal }: RescueOptions,
  kind: ConfigurationKind,
  decide: (current: WebhookConfiguration) => Change | undefined,
): Promise<RescuedWebhook[]> {
  for (;;) {
    const current = await getConfiguration(client, kind, name, signal);
    if (current === undefined || !isOurs(current)) return [];
    const decision = decide(current);
    const policyOf = decision?.policyOf ?? ((_webhook: string, present: string) => present);
    try {
      if (decision !== undefined) {
        const object = asApplied(kind, current, decision);
        await client.apply(addressOf(kind, name), object, { fieldManager, force: true, signal });
      }
    } catch (error) {
      if (isConflict(error) && signal?.aborted !== true) continue;
      throw error;
    }
    return ourWebhooks(current).map((webhook) => {
      const from = webhook.failurePolicy ?? 'Fail';
      return { configuration: `${kind}/${name}`, webhook: webhook.name, from, to: policyOf(webhook.name, from) };
    });
  }
}

/**
 * The object as a registrar would apply it, with another policy. Applied whole and in the registrar's own name: a field that
 * somebody else owned would keep a webhook, without its other fields, when the registrar drops it.
 */
function asApplied(
  kind: ConfigurationKind,
  current: WebhookConfiguration,
  { rescue: rescued, policyOf }: Change,
): object {
  const { metadata } = current;
  const annotations = pick(metadata?.annotations, (key) => ourAnnotations.includes(key));
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind,
    metadata: {
      name: metadata?.name,
      resourceVersion: metadata?.resourceVersion,
      labels: pick(metadata?.labels, (key) => ourLabels.includes(key)),
      ownerReferences: (metadata as OwnedMeta | undefined)?.ownerReferences?.filter(({ kind: k }) => k === 'Namespace'),
      annotations: { ...annotations, ...(rescued !== undefined && { [rescuedAnnotation]: JSON.stringify(rescued) }) },
    },
    webhooks: ourWebhooks(current).map((webhook) => ({
      ...webhook,
      failurePolicy: policyOf(webhook.name, webhook.failurePolicy ?? 'Fail'),
    })),
  };
}

/** Without entries that somebody else has put there. All of them, where nothing was applied in the registrar's name. */
function ourWebhooks(current: WebhookConfiguration): NonNullable<WebhookConfiguration['webhooks']>[number][] {
  const applied = appliedEntries(current).map(({ name }) => name);
  return (current.webhooks ?? []).filter(({ name }) => applied.length === 0 || applied.includes(name));
}

interface OwnedMeta {
  readonly ownerReferences?: ReadonlyArray<{ readonly kind: string }>;
}

function pick(
  record: Readonly<Record<string, string>> | undefined,
  isWanted: (key: string) => boolean,
): Record<string, string> {
  return Object.fromEntries(Object.entries(record ?? {}).filter(([key]) => isWanted(key)));
}

/** A value that a person made up counts as a rescue that changed nothing. */
function rescueOf({ metadata }: WebhookConfiguration): Rescue | undefined {
  const text = metadata?.annotations?.[rescuedAnnotation];
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Partial<Rescue> | null;
    const webhooks = Array.isArray(value?.webhooks) ? value.webhooks.filter((name) => typeof name === 'string') : [];
    return { at: typeof value?.at === 'string' ? value.at : '', webhooks };
  } catch {
    return { at: '', webhooks: [] };
  }
}
