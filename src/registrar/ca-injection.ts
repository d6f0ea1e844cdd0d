import type { WebhookConfiguration } from '../api/webhook-configuration.ts';
import { appliedEntries } from './managed-fields.ts';

/** Source: cert-manager pkg/apis/certmanager/v1/types.go WantInjectAnnotation. */
export const injectionAnnotation = 'cert-manager.io/inject-ca-from';

/**
 * `wanted` with `failurePolicy: Ignore` for each webhook whose `caBundle` nobody has injected yet: the API server could not
 * call it, and must not fail requests for that. A bundle of our own, from before the injector was asked, does not count,
 * since the next apply takes it away.
 */
export function harmlessUntilInjected<T extends WebhookConfiguration>(
  wanted: T,
  current: WebhookConfiguration | undefined,
): T {
  const bundles = new Map(current?.webhooks?.map(({ name, clientConfig }) => [name, clientConfig.caBundle ?? '']));
  const ours = new Set(appliedEntries(current).flatMap(({ name, fields }) => (hasCaBundle(fields) ? [name] : [])));
  const webhooks = wanted.webhooks?.map((webhook) => {
    const isInjected = (bundles.get(webhook.name) ?? '') !== '' && !ours.has(webhook.name);
    return isInjected ? webhook : { ...webhook, failurePolicy: 'Ignore' as const };
  });
  // One field of the entries has another value; the compiler does not follow that through the union of both kinds.
  return { ...wanted, webhooks };
}

function hasCaBundle(fields: unknown): boolean {
  const { 'f:clientConfig': clientConfig } = fields as { readonly 'f:clientConfig'?: object };
  return clientConfig !== undefined && 'f:caBundle' in clientConfig;
}
