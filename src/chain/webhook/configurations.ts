import type { KubernetesObject } from '../../api/object-meta.ts';
import type { ValidatingWebhook } from '../../api/webhook-configuration.ts';
import { compileMatchConditions, type CompiledConditions, type ConditionCompiler } from '../match/match-conditions.ts';
import { parseSelector, type ParsedSelector } from '../match/parsed-selector.ts';
import { compareGoStrings } from '../go-json/compact.ts';
import { defaultValidatingWebhook } from './defaults.ts';
import { webhookUrl } from './url.ts';

/** One webhook of one configuration, defaulted, with its selectors read and its conditions compiled. */
export interface RegisteredWebhook<Webhook extends ValidatingWebhook = ValidatingWebhook> {
  /** `configuration/name/n`; n counts equal names before it in the same configuration. */
  readonly uid: string;
  readonly configuration: string;
  readonly webhook: Webhook;
  /** Where it is called, without the query; undefined when its `clientConfig` says neither url nor service. */
  readonly url: string | undefined;
  readonly namespaceSelector: ParsedSelector;
  readonly objectSelector: ParsedSelector;
  readonly matchConditions: CompiledConditions;
}

/**
 * The webhooks of all configurations of one kind in the order in which they are asked: configurations by the bytes of
 * their names, webhooks as listed.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/configuration/mutating_webhook_manager.go and its twin.
 */
export function registerWebhooks<Webhook extends ValidatingWebhook>(
  configurations: readonly (KubernetesObject & { readonly webhooks?: readonly Webhook[] })[],
  compiler: ConditionCompiler,
): RegisteredWebhook<Webhook>[] {
  const sorted = configurations
    .map(({ metadata, webhooks = [] }) => ({ configuration: metadata?.name ?? '', webhooks }))
    .sort((a, b) => compareGoStrings(a.configuration, b.configuration));
  return sorted.flatMap(({ configuration, webhooks }) =>
    webhooks.map((each, index) => {
      const webhook = defaultValidatingWebhook(each);
      const equalNames = webhooks.slice(0, index).filter(({ name }) => name === webhook.name).length;
      return {
        uid: `${configuration}/${webhook.name}/${equalNames}`,
        configuration,
        webhook,
        url: webhookUrl(webhook.clientConfig),
        namespaceSelector: parseSelector(webhook.namespaceSelector),
        objectSelector: parseSelector(webhook.objectSelector),
        matchConditions: compileMatchConditions(webhook.matchConditions ?? [], compiler),
      };
    }),
  );
}
