import type { WebhookDefinition, WebhookRegistry } from '../admission/index.ts';
import type {
  LabelSelector,
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ServiceReference,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
  WebhookClientConfig,
  WebhookConfiguration,
} from '../api/webhook-configuration.ts';

/** Where the API server reaches the gate: one address for all webhooks, to which each adds its own path. */
export type GateAddress =
  | {
      /** `https://host:port`, without path or query. */
      readonly url: string;
    }
  | {
      /** Default port: 443. */
      readonly service: Pick<ServiceReference, 'namespace' | 'name' | 'port'>;
    };

export interface ConfigurationOptions {
  /** Name of both configuration objects. */
  readonly name: string;
  readonly address: GateAddress;
  /** PEM. Undefined trusts the API server's own roots. */
  readonly caBundle: string | undefined;
  /** Namespaces whose objects reach no webhook of ours. */
  readonly excludedNamespaces: readonly string[];
  /** Put on both objects. */
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * The configuration objects that make the API server call the registered webhooks: one for the mutating ones, one for
 * the validating ones, none for a kind that has no webhook.
 *
 * The same registry gives the same objects, whatever the order its webhooks came in; every field that the API server
 * would default is written out, so that a drift in any of them shows. Webhooks stand in the order of their names, which
 * is the order the API server calls mutating ones in.
 */
export function buildConfigurations(registry: WebhookRegistry, options: ConfigurationOptions): WebhookConfiguration[] {
  const definitions = [...registry];
  const mutating = definitions.filter(({ kind }) => kind === 'mutating');
  const validating = definitions.filter(({ kind }) => kind === 'validating');
  const metadata = { name: options.name, labels: { ...options.labels } };
  const configurations: WebhookConfiguration[] = [];
  if (mutating.length > 0) {
    configurations.push({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata,
      webhooks: mutating.map((definition) => mutatingWebhook(definition, options)),
    } satisfies MutatingWebhookConfiguration);
  }
  if (validating.length > 0) {
    configurations.push({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata,
      webhooks: validating.map((definition) => validatingWebhook(definition, options)),
    } satisfies ValidatingWebhookConfiguration);
  }
  return configurations;
}

function mutatingWebhook(definition: WebhookDefinition, options: ConfigurationOptions): MutatingWebhook {
  return { ...validatingWebhook(definition, options), reinvocationPolicy: definition.reinvocationPolicy };
}

function validatingWebhook(definition: WebhookDefinition, options: ConfigurationOptions): ValidatingWebhook {
  return {
    name: definition.name,
    clientConfig: clientConfig(definition.path, options),
    rules: definition.rules.map((rule) => ({ ...structuredClone(rule), scope: rule.scope ?? '*' })),
    failurePolicy: definition.failurePolicy,
    matchPolicy: definition.matchPolicy,
    namespaceSelector: excluding(definition.namespaceSelector, options.excludedNamespaces),
    objectSelector: definition.objectSelector,
    sideEffects: definition.sideEffects,
    timeoutSeconds: definition.timeoutSeconds,
    admissionReviewVersions: ['v1'],
    ...(definition.matchConditions.length > 0 && { matchConditions: [...definition.matchConditions] }),
  };
}

function clientConfig(path: string, { address, caBundle }: ConfigurationOptions): WebhookClientConfig {
  const trust = caBundle === undefined ? {} : { caBundle: Buffer.from(caBundle).toString('base64') };
  if ('url' in address) return { url: `${address.url.replace(/\/$/, '')}${path}`, ...trust };
  const { namespace, name, port = 443 } = address.service;
  return { service: { namespace, name, port, path }, ...trust };
}

/** The API server sets this label on every Namespace, and nobody can change it. */
const namespaceNameLabel = 'kubernetes.io/metadata.name';

function excluding(selector: LabelSelector, namespaces: readonly string[]): LabelSelector {
  if (namespaces.length === 0) return selector;
  const exclusion = { key: namespaceNameLabel, operator: 'NotIn' as const, values: [...new Set(namespaces)].sort() };
  return { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), exclusion] };
}
