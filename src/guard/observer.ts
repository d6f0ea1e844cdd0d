import type { Pod } from '../api/generated/core.v1.ts';
import type { GuardAnswer } from './state-machine.ts';
import type { GuardState } from './guard-state.ts';
import type { RemovalVerb, RequesterClass } from './requester.ts';

/** Told what the guard does, for figures, Events, logs and history. What it throws stops nothing; nothing depends on it. */
export interface GuardObserver {
  /** An attempt on a guarded Pod was answered. */
  answered?(facts: AnsweredFacts): void;
  /** The state of a Pod was written, by this replica. `after` is undefined when the annotation was taken away. */
  phaseChanged?(change: PhaseChange): void;
  hookCalled?(facts: HookCallFacts): void;
  /** The guard asked for the Pod's removal itself. */
  finished?(facts: {
    readonly pod: Pod;
    readonly state: GuardState;
    readonly outcome: 'accepted' | 'refused' | 'gone';
  }): void;
  /** A Pod that was being watched over is gone. */
  gone?(facts: { readonly pod: Pod; readonly state: GuardState | undefined }): void;
}

export interface AnsweredFacts {
  readonly verb: RemovalVerb;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly requester: string;
  readonly requesterClass: RequesterClass;
  readonly dryRun: boolean;
  readonly answer: GuardAnswer | { readonly kind: 'exempt'; readonly reason: string } | { readonly kind: 'budget' };
  readonly seconds: number;
}

export interface PhaseChange {
  readonly pod: Pod;
  readonly before: GuardState | undefined;
  readonly after: GuardState | undefined;
}

export interface HookCallFacts {
  readonly call: 'start' | 'status' | 'undo';
  readonly guard: string;
  /** What was reported, or that the application could not be asked. */
  readonly outcome: 'started' | 'undone' | 'Running' | 'Done' | 'Failed' | 'Unknown' | 'error';
  readonly seconds: number;
}
