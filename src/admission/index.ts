export {
  allow,
  deny,
  isDecision,
  type AllowDecision,
  type AllowOptions,
  type Decision,
  type DenyDecision,
  type DenyOptions,
} from './decision.ts';
export {
  defineMutator,
  defineValidator,
  isWebhookDefinition,
  type MutatingHandler,
  type MutatorOptions,
  type ValidatingHandler,
  type ValidatorOptions,
  type WebhookDefinition,
} from './definition.ts';
export {
  DuplicateWebhookError,
  HandlerFaultError,
  HandlerTimeoutError,
  InvalidAnswerError,
  InvalidDefinitionError,
  ReviewDecodeError,
  UnknownWebhookError,
  type SourcePlace,
} from './errors.ts';
export {
  answerReview,
  failureStatus,
  type AnswerOptions,
  type AnswerReview,
  type DecisionFacts,
  type ReviewAnswer,
} from './exchange.ts';
export type { ListerOf, ListerSource, ObjectLister } from './lister.ts';
export { objectListers } from './object-listers.ts';
export { WebhookRegistry, type WebhookSelection } from './registry.ts';
export type { AdmissionRequest, HandlerContext } from './request.ts';
export { decodeReview, encodeReview, encodeReviewRequest, requestOf, type DecodedReview } from './review.ts';
export { deliverableWarnings } from './warnings.ts';
export { admit, type AdmissionOutcome } from './webhook.ts';
export { mayQuoteSecrets, withoutWords } from './withheld.ts';
