import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  RuleWithOperations,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
  WebhookClientConfig,
} from '../../api/webhook-configuration.ts';

/**
 * A webhook configuration with the API server's defaults filled in: failurePolicy Fail, matchPolicy Equivalent,
 * selectors `{}`, timeoutSeconds 10, a rule's scope `*`, a service's port 443, and for mutating webhooks
 * reinvocationPolicy Never. The argument is not changed.
 *
 * Source: k8s.io/kubernetes v1.37.2 pkg/apis/admissionregistration/v1/defaults.go.
 */
export function defaultWebhookConfiguration(configuration: MutatingWebhookConfiguration): MutatingWebhookConfiguration;
export function defaultWebhookConfiguration(
  configuration: ValidatingWebhookConfiguration,
): ValidatingWebhookConfiguration;
export function defaultWebhookConfiguration(
  configuration: MutatingWebhookConfiguration | ValidatingWebhookConfiguration,
): MutatingWebhookConfiguration | ValidatingWebhookConfiguration {
  if (configuration.webhooks === undefined) return configuration;
  return configuration.kind === 'MutatingWebhookConfiguration'
    ? { ...configuration, webhooks: configuration.webhooks.map(defaultMutatingWebhook) }
    : { ...configuration, webhooks: configuration.webhooks.map(defaultValidatingWebhook) };
}

export function defaultValidatingWebhook<Webhook extends ValidatingWebhook>(webhook: Webhook): Webhook {
  return {
    ...webhook,
    clientConfig: defaultClientConfig(webhook.clientConfig),
    ...(webhook.rules === undefined ? {} : { rules: webhook.rules.map(defaultRule) }),
    failurePolicy: webhook.failurePolicy ?? 'Fail',
    matchPolicy: webhook.matchPolicy ?? 'Equivalent',
    namespaceSelector: webhook.namespaceSelector ?? {},
    objectSelector: webhook.objectSelector ?? {},
    timeoutSeconds: webhook.timeoutSeconds ?? 10,
  };
}

export function defaultMutatingWebhook(webhook: MutatingWebhook): MutatingWebhook {
  return { ...defaultValidatingWebhook(webhook), reinvocationPolicy: webhook.reinvocationPolicy ?? 'Never' };
}

function defaultRule(rule: RuleWithOperations): RuleWithOperations {
  return { ...rule, scope: rule.scope ?? '*' };
}

function defaultClientConfig(clientConfig: WebhookClientConfig): WebhookClientConfig {
  const { service } = clientConfig;
  return service === undefined ? clientConfig : { ...clientConfig, service: { ...service, port: service.port ?? 443 } };
}
