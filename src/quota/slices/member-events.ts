import type { Fit } from './wire.ts';

/** What a member tells of its dealings with the hub, for figures. Called at once; must not throw. */
export interface MemberEvents {
  /** One question for requests that did not fit into a slice has ended, so for each of them. */
  asked(question: { readonly outcomes: readonly (Fit | 'unreachable')[]; readonly milliseconds: number }): void;
  /** A slice has grown, and that is written. */
  granted(): void;
  /** Part of a slice is given back, and that is written: it was idle for a while, others asked for it, or the quota is in debt. */
  gaveBack(cause: ReturnCause): void;
  /** The hub has asked for what is idle. */
  recalled(): void;
}

export type ReturnCause = 'idle' | 'recall' | 'debt';

/** Hears nothing. */
export const noMemberEvents: MemberEvents = {
  asked: () => undefined,
  granted: () => undefined,
  gaveBack: () => undefined,
  recalled: () => undefined,
};
