import type { Authorizer } from '../cel/index.ts';

export type { Authorizer, AuthorizerAttributes, AuthorizerDecision } from '../cel/index.ts';

/** Has no opinion on anything, which counts as "no": the API server's answer when no rule grants. */
export const noOpinionAuthorizer: Authorizer = {
  authorize: () => ({ decision: 'noOpinion', reason: '' }),
};
