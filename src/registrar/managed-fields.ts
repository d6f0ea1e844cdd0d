import type { WebhookConfiguration } from '../api/webhook-configuration.ts';

/** The field manager under which everything of ours is applied. */
export const fieldManager = 'sallyport';

/** Entries that we applied once, by our field manager, and do not want any more: only an apply removes them. */
export function hasStaleEntries(current: WebhookConfiguration, wanted: WebhookConfiguration): boolean {
  const wantedNames = new Set(wanted.webhooks?.map(({ name }) => name));
  return appliedEntries(current).some(({ name }) => !wantedNames.has(name));
}

/** The webhooks of which we own something by server-side apply, with the fields that are ours. */
export function appliedEntries(
  current: WebhookConfiguration | undefined,
): Array<{ readonly name: string; readonly fields: unknown }> {
  const managed = (current?.metadata as { managedFields?: readonly ManagedFields[] } | undefined)?.managedFields ?? [];
  return managed
    .filter(({ manager, operation }) => manager === fieldManager && operation === 'Apply')
    .flatMap(({ fieldsV1 }) => Object.entries(fieldsV1?.['f:webhooks'] ?? {}))
    .filter(([key]) => key.startsWith('k:'))
    .map(([key, fields]) => ({ name: (JSON.parse(key.slice(2)) as { name: string }).name, fields }));
}

interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly fieldsV1?: { readonly 'f:webhooks'?: Readonly<Record<string, unknown>> };
}
