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
export type { AuditAnnotations, AuditLevel } from './audit-annotations.ts';
export {
  noOpinionAuthorizer,
  type Authorizer,
  type AuthorizerAttributes,
  type AuthorizerDecision,
} from './authorizer.ts';
export { InMemoryClusterState, type BuiltinResource, type ClusterState } from './cluster-state.ts';
export { ConversionError, type ObjectInterfaces } from './object-interfaces.ts';
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
export { ReinvocationContext } from './reinvocation.ts';
export type { PluginStep, Step, Walk, WebhookCall, WebhookMatch, WebhookStep } from './step.ts';
export type { Warnings } from './warnings.ts';
export { isExemptAdmissionConfigurationResource, matchesRule, type RuleAttributes } from './match/rules.ts';
