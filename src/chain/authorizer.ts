import type { UserInfo } from '../api/admission-review.ts';

/** One question to the cluster's authorizer. Source: k8s.io/apiserver v0.37.2 pkg/authorization/authorizer/interfaces.go. */
export interface AuthorizerAttributes {
  readonly user: UserInfo;
  readonly verb: string;
  readonly apiGroup: string;
  readonly apiVersion: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

export interface AuthorizerDecision {
  readonly decision: 'allow' | 'deny' | 'noOpinion';
  readonly reason: string;
}

/** Who may do what, as plug-ins and match conditions ask it. */
export interface Authorizer {
  authorize(attributes: AuthorizerAttributes): AuthorizerDecision;
}

/** Has no opinion on anything, which counts as "no": the API server's answer when no rule grants. */
export const noOpinionAuthorizer: Authorizer = {
  authorize: () => ({ decision: 'noOpinion', reason: '' }),
};
