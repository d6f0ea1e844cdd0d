import type { GroupVersionKind, GroupVersionResource } from '../api/resource.ts';
import type { Status } from '../api/status.ts';
import type { JsonObject, JsonValue } from '../json/json-value.ts';

/** Which of the two walks over the plug-ins a step belongs to. */
export type Walk = 'admit' | 'validate';

/** One thing the chain did, in the order it began. Printed by `explain`, the console and failing tests alike. */
export type Step = PluginStep | WebhookStep;

/** What became of one plug-in in one walk. */
export interface PluginStep {
  readonly kind: 'plugin';
  readonly plugin: string;
  readonly walk: Walk;
  /** 1 in the second pass over the mutating plug-ins. */
  readonly round: 0 | 1;
  readonly outcome:
    | { readonly kind: 'notHandled' }
    | { readonly kind: 'notSimulated' }
    | { readonly kind: 'allowed' }
    | { readonly kind: 'changed'; readonly before: JsonObject | null; readonly after: JsonObject | null }
    | { readonly kind: 'refused'; readonly status: Status };
  readonly milliseconds: number;
}

/** What became of one webhook. */
export interface WebhookStep {
  readonly kind: 'webhook';
  readonly plugin: string;
  readonly configuration: string;
  readonly webhook: string;
  readonly walk: Walk;
  readonly round: 0 | 1;
  /** Mutating: place among all webhooks. Validating: place among the matching ones, -1 when it did not match. */
  readonly index: number;
  readonly match: WebhookMatch;
  /** Absent when no call was made. */
  readonly call?: WebhookCall;
  readonly milliseconds: number;
}

/** Whether a webhook was to be called, or the question that said no. */
export type WebhookMatch =
  | {
      readonly kind: 'matched';
      readonly resource: GroupVersionResource;
      readonly objectKind: GroupVersionKind;
      /** True when `matchPolicy: Equivalent` found it by another group or version. */
      readonly equivalent: boolean;
    }
  | { readonly kind: 'notMatched'; readonly by: 'namespaceSelector' | 'objectSelector' | 'rules' }
  | { readonly kind: 'notMatched'; readonly by: 'matchConditions'; readonly condition: string }
  | { readonly kind: 'notMatched'; readonly by: 'matchConditionErrors'; readonly errors: readonly string[] }
  | { readonly kind: 'notReinvoked' }
  | { readonly kind: 'failed'; readonly status: Status };

/** One call of a webhook and what the chain made of it. */
export interface WebhookCall {
  /** The AdmissionReview as it was sent; absent when none could be made. */
  readonly request?: JsonObject;
  /** The AdmissionReview as it came back; absent when none did. */
  readonly response?: JsonValue;
  /** The decoded JSON Patch, when there was one with at least one operation. */
  readonly patch?: JsonValue;
  readonly result:
    | { readonly kind: 'allowed'; readonly changed: boolean }
    | { readonly kind: 'rejected'; readonly status: Status }
    | { readonly kind: 'callError'; readonly message: string; readonly failurePolicy: 'Fail' | 'Ignore' }
    | { readonly kind: 'serverError'; readonly status: Status };
}
