export {
  allow,
  deny,
  defineMutator,
  defineValidator,
  isWebhookDefinition,
  WebhookRegistry,
  DuplicateWebhookError,
  HandlerFaultError,
  HandlerTimeoutError,
  InvalidAnswerError,
  InvalidDefinitionError,
  ReviewDecodeError,
  UnknownWebhookError,
  type AdmissionRequest,
  type AllowOptions,
  type Decision,
  type DenyOptions,
  type HandlerContext,
  type ListerOf,
  type ObjectLister,
  type MutatingHandler,
  type MutatorOptions,
  type ValidatingHandler,
  type ValidatorOptions,
  type WebhookDefinition,
  type WebhookSelection,
} from './admission/index.ts';
export { defineGuard, type GuardDefinition, type GuardOptions } from './guard/definition.ts';
export type { GuardHook, HookCall, HookReport } from './guard/hook.ts';
export type { Operation, UserInfo } from './api/admission-review.ts';
export type { KubernetesObject } from './api/object-meta.ts';
export type { KubernetesResources, ResourceName } from './api/resource-name.ts';
export type { LabelSelector, MatchCondition, RuleWithOperations } from './api/webhook-configuration.ts';
export { SallyportError, type SallyportErrorCode } from './errors.ts';
export type { AuditSink, Logger } from './telemetry/index.ts';
