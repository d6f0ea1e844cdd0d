export {
  AdmissionChain,
  type AdmissionChainOptions,
  type BetweenWalks,
  type Outcome,
  type RunOptions,
} from './chain.ts';
export { withObject, type Attributes } from './attributes.ts';
export {
  admitted,
  refused,
  validated,
  type AdmissionContext,
  type AdmissionPlugin,
  type Admitted,
  type AdmitResult,
  type Refused,
  type Validated,
  type ValidateResult,
} from './plugin.ts';
export type { PluginStep, Step, Walk, WebhookCall, WebhookMatch, WebhookStep } from './step.ts';
export { AuditAnnotations, type AuditAnnotation, type AuditLevel } from './audit-annotations.ts';
export { Warnings } from './warnings.ts';
export { ReinvocationContext } from './reinvocation.ts';
export {
  noOpinionAuthorizer,
  type Authorizer,
  type AuthorizerAttributes,
  type AuthorizerDecision,
} from './authorizer.ts';
export { InMemoryClusterState, type BuiltinResource, type ClusterState } from './cluster-state.ts';
export { ConversionError, NoConverterError, type ObjectInterfaces } from './object-interfaces.ts';
export { ResourceCatalog, type Converter } from './resource-catalog.ts';
export {
  enabledPlugins,
  InvalidPluginFlagsError,
  orderPlugins,
  pluginOrder,
  type ChainEntry,
  type NotSimulated,
  type PluginFlags,
  type PluginListing,
} from './plugin-registry.ts';
export { mutatingWebhookPlugin, type MutatingWebhookOptions } from './plugins/mutating-webhook.ts';
export {
  podSecurityPlugin,
  PodSecurityConfigurationError,
  type PodSecurityConfiguration,
} from './plugins/pod-security/index.ts';
export { simulatedPlugins } from './plugins/simulated-plugins.ts';
export { validatingWebhookPlugin, type ValidatingWebhookOptions } from './plugins/validating-webhook.ts';
export { isExemptAdmissionConfigurationResource, matchesRule, type RuleAttributes } from './match/rules.ts';
export { selectNamespace, type NamespaceLookup, type NamespaceSelectorAttributes } from './match/namespace-selector.ts';
export { selectObject } from './match/object-selector.ts';
export type { SelectorMatch } from './match/parsed-selector.ts';
export {
  compileMatchConditions,
  evaluateConditions,
  type CompiledCondition,
  type CompiledConditions,
  type ConditionCompiler,
  type ConditionResult,
  type ConditionsMatch,
  type ConditionVariables,
} from './match/match-conditions.ts';
export { createConditionCompiler, evaluateMatchConditions } from './match/cel-conditions.ts';
export { applyPatch } from './json-patch/apply-patch.ts';
export { PatchNotApplicableError, PatchPanicError, UndecodablePatchError } from './json-patch/errors.ts';
export { isExcludedFromWebhooks } from './webhook/excluded-resources.ts';
export type { WebhookCaller } from './webhook/call.ts';
export {
  WebhookCallError,
  WebhookClientConfigError,
  type WebhookClient,
  type WebhookRequest,
  type WebhookResponse,
} from './webhook/client.ts';
export {
  HttpsWebhookClient,
  type HttpsWebhookClientOptions,
  type ServiceEndpoint,
  type ServiceResolver,
} from './webhook/https-client.ts';
export { registerWebhooks, type RegisteredWebhook } from './webhook/configurations.ts';
export { defaultWebhookConfiguration } from './webhook/defaults.ts';
export { validateWebhookConfiguration } from './webhook/validation/webhook-configuration.ts';
export { fieldErrorBody, type FieldError, type FieldErrorType } from './webhook/validation/field-error.ts';
