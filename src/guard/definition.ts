import type { Pod } from '../api/generated/core.v1.ts';
import { InvalidGuardPolicyError } from './errors.ts';
import type { GuardPolicyOptions } from './guard-policy.ts';
import type { GuardHook, HookCall, HookReport } from './hook.ts';

type MaybePromise<T> = T | Promise<T>;

/** A guard in TypeScript: the fields of a DeletionGuard's policy, each with its default, and the clean-up as functions. */
export interface GuardOptions extends GuardPolicyOptions {
  /** Unique; a DNS label such as `etcd-member`. Shown in the state of Pods. */
  readonly name: string;
  /** Whether this guard holds a Pod. Asked only for Pods that carry the guard's label; must be quick and not throw. */
  readonly match: (pod: Pod) => boolean;
  /** Begins the clean-up, and returns when it has begun. Throwing says that it could not: it is called again. */
  readonly start: (call: HookCall) => MaybePromise<void>;
  /** How it stands. The Pod may go when, and only when, this says `Done`. */
  readonly status: (call: HookCall) => MaybePromise<HookReport | HookReport['phase']>;
  /** Takes the clean-up back: the Pod stays. */
  readonly undo: (call: HookCall) => MaybePromise<void>;
}

/** What {@link defineGuard} made of it; the policy is checked where the guard comes into force. */
export interface GuardDefinition {
  readonly name: string;
  readonly match: (pod: Pod) => boolean;
  readonly hook: GuardHook;
  readonly policy: GuardPolicyOptions;
}

const definitionKey = Symbol.for('sallyport.dev/guard-definition');

const namePattern = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const functionNames = ['match', 'start', 'status', 'undo'] as const;

/**
 * Defines a deletion guard whose clean-up is TypeScript; exporting it from a webhook file is all the registration there is.
 *
 *     export const consumers = defineGuard({
 *       name: 'queue-consumer',
 *       match: ({ metadata }) => metadata?.labels?.app === 'consumer',
 *       deadlineSeconds: 300,
 *       start: ({ pod }) => pauseConsumer(pod),
 *       status: async ({ pod }) => ((await inFlight(pod)) === 0 ? 'Done' : 'Running'),
 *       undo: ({ pod }) => resumeConsumer(pod),
 *     });
 *
 * Each function is one try and may be called again with the same `idempotencyKey`, by another replica too: keep no state
 * in the process. Throws {@link InvalidGuardPolicyError} naming every function that is missing.
 */
export function defineGuard(options: GuardOptions): GuardDefinition {
  const { name, match, start, status, undo, ...policy } = options;
  const problems = functionNames
    .filter((field) => typeof options[field] !== 'function')
    .map((field) => `${field}: expected a function`);
  if (typeof name !== 'string' || !namePattern.test(name)) {
    problems.unshift('name: expected a DNS label such as "etcd-member"');
  }
  if (problems.length > 0) throw new InvalidGuardPolicyError(problems);
  const definition: GuardDefinition = {
    name,
    match,
    hook: {
      start: async (call) => start(call),
      status: async (call) => {
        const report = await status(call);
        return typeof report === 'string' ? { phase: report } : report;
      },
      undo: async (call) => undo(call),
    },
    policy,
  };
  return Object.freeze(Object.defineProperty(definition, definitionKey, { value: true }));
}

/** True for what {@link defineGuard} returns, also from another copy of this package. */
export function isGuardDefinition(value: unknown): value is GuardDefinition {
  return typeof value === 'object' && value !== null && definitionKey in value;
}
