export { defineGuard, isGuardDefinition, type GuardDefinition, type GuardOptions } from './definition.ts';
export { deletionGuardDefinition } from './custom-resource-definition.ts';
export { deletionGuardKind, type DeletionGuard } from './deletion-guard.ts';
export { InvalidGuardPolicyError } from './errors.ts';
export type { Guard, GuardSet } from './guard.ts';
export { askOwnUser, GuardController, type GuardControllerOptions, type HoldView } from './guard-controller.ts';
export { resolveGuardPolicy, type GuardPolicy, type GuardPolicyOptions } from './guard-policy.ts';
export { Guards, type GuardsOptions } from './guards.ts';
export { Hooks, type HooksOptions } from './hooks/hooks.ts';
export { defaultHookSecret } from './hooks/hook-spec.ts';
export { declareGuardWebhooks } from './webhooks.ts';
export {
  bypassAnnotation,
  formatState,
  guardLabel,
  guardLabelValue,
  parseState,
  requestAnnotation,
  stateAnnotation,
  type AbortCause,
  type GuardPhase,
  type GuardState,
  type ReleaseCause,
  type Restore,
} from './guard-state.ts';
export type { AnsweredFacts, GuardObserver, HookCallFacts, PhaseChange } from './observer.ts';
export type { GuardHook, HookCall, HookReport } from './hook.ts';
export {
  classifyRequester,
  defaultFinisher,
  requesterClasses,
  type FinisherMode,
  type RemovalVerb,
  type RequesterClass,
} from './requester.ts';
export {
  next,
  type GuardAnswer,
  type GuardEffect,
  type GuardEvent,
  type GuardStep,
  type RemovalAttempt,
} from './state-machine.ts';
export { explainRemoval, type ExplainedStep, type Explanation, type ExplainOptions } from './explain-removal.ts';
export { guardDecisions, guardObservers } from './guard-log.ts';
export { guardEvents, type GuardEventsOptions } from './guard-events.ts';
export { guardMetrics } from './guard-metrics.ts';
export {
  guardedPodView,
  intervene,
  isHeldPhase,
  listGuardedPods,
  readGuardedPod,
  waitUntilCarriedOut,
  type GuardedPodView,
  type Intervention,
} from './holds.ts';
