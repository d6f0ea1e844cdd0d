import type { Pod } from '../api/generated/core.v1.ts';
import type { GuardPolicy } from './guard-policy.ts';
import type { GuardHook } from './hook.ts';

/** A rule about which Pods leave only after their clean-up, whoever wrote it: a DeletionGuard or a TypeScript file. */
export interface Guard {
  /** `namespace/name` of a DeletionGuard, or the name of a guard in a file. Kept in the state of Pods. */
  readonly name: string;
  /** Asked for Pods that carry the guard's label. */
  matches(pod: Pod): boolean;
  readonly policy: GuardPolicy;
  readonly hook: GuardHook;
}

/** The guards in force. */
export interface GuardSet {
  /**
   * The guard of a Pod, undefined for none. Of several the first by name, DeletionGuards before those in files, so that
   * every replica finds the same.
   */
  guardOf(pod: Pod): Guard | undefined;
}
