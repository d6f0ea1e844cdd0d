import type { UserInfo } from '../../api/admission-review.ts';
import type { LabelMatcher } from '../../api/label-selector.ts';
import type { FieldSelectorRequirement } from './field-selector.ts';

/**
 * Who may do what: what the `authorizer` of an expression asks.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/authorization/authorizer/interfaces.go.
 */
export interface Authorizer {
  authorize(attributes: AuthorizerAttributes): AuthorizerDecision;
}

/** One question: may `user` do `verb`, to a resource or (when `resourceRequest` is false) to a `path`? */
export interface AuthorizerAttributes {
  readonly user: UserInfo;
  readonly verb: string;
  readonly resourceRequest: boolean;
  readonly apiGroup: string;
  /** `*` for a resource: expressions cannot say a version. */
  readonly apiVersion: string;
  readonly resource: string;
  readonly subresource: string;
  /** "" for the cluster scope. */
  readonly namespace: string;
  /** "" for any name. */
  readonly name: string;
  /** Requirements that must all hold; undefined when the expression gives none or a text that cannot be read. */
  readonly fieldSelector: readonly FieldSelectorRequirement[] | undefined;
  /** As `fieldSelector`. */
  readonly labelSelector: LabelMatcher | undefined;
  /** "" for a resource. */
  readonly path: string;
}

/** The answer. Only `allow` counts as allowed. */
export interface AuthorizerDecision {
  readonly decision: 'allow' | 'deny' | 'noOpinion';
  readonly reason: string;
  /** Why the question could not be answered for sure; may stand beside any decision. */
  readonly error?: string;
}
