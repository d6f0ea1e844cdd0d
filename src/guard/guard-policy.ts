import { z } from 'zod';
import { qualifiedNameProblems } from '../api/names.ts';
import { InvalidGuardPolicyError } from './errors.ts';
import { defaultFinisher, requesterClasses, type FinisherMode, type RequesterClass } from './requester.ts';

/** What a hold may do and for how long. Every field has its value. */
export interface GuardPolicy {
  /** From the start of the clean-up. */
  readonly deadlineSeconds: number;
  readonly onDeadline: 'Release' | 'Hold';
  readonly onHookFailure: 'Retry' | 'Release' | 'Hold';
  readonly onNamespaceDelete: 'Allow' | 'Hold';
  /** Without a request for this long, the hold is called off, for requesters whose finisher is `Abort`. */
  readonly idleAfterSeconds: number;
  /** Between taking the Pod out of service and the start of the hook. */
  readonly settleSeconds: number;
  /** Between two questions to the hook. */
  readonly pollSeconds: number;
  /** First pause after a failure of the hook, doubled with each further one up to twelve times this. */
  readonly retrySeconds: number;
  /** A released Pod that is still there after this is put back in service. */
  readonly releaseSeconds: number;
  /** After a release, how long the requester has to come back before the guard deletes the Pod itself. */
  readonly finishAfterSeconds: number;
  /** Pods of one workload that leave at one time. */
  readonly maxConcurrent: number;
  readonly finisher: Readonly<Record<RequesterClass, FinisherMode>>;
  readonly takeOutOfService: {
    /** By a readiness gate that Pods get when they are created. */
    readonly readinessGate: boolean;
    /** A label that Services select and workloads do not: it is taken off. */
    readonly trafficLabel: string | undefined;
  };
}

/** A policy as its author writes it: what is left out has its default. */
export type GuardPolicyOptions = z.input<typeof guardPolicySchema>;

const seconds = z.int().min(0).max(31_536_000);
const finisherMode = z.enum(['Delete', 'Abort']);
const labelKey = z.string().superRefine((key, context) => {
  for (const message of qualifiedNameProblems(key)) context.addIssue({ code: 'custom', message });
});

/** The fields of {@link GuardPolicy} with their defaults; unknown ones are refused. */
export const guardPolicySchema = z.strictObject({
  deadlineSeconds: seconds.min(1).default(600),
  onDeadline: z.enum(['Release', 'Hold']).default('Release'),
  onHookFailure: z.enum(['Retry', 'Release', 'Hold']).default('Retry'),
  onNamespaceDelete: z.enum(['Allow', 'Hold']).default('Allow'),
  idleAfterSeconds: seconds.min(1).default(120),
  settleSeconds: seconds.default(0),
  pollSeconds: seconds.min(1).default(2),
  retrySeconds: seconds.min(1).default(5),
  releaseSeconds: seconds.min(1).default(300),
  finishAfterSeconds: seconds.default(15),
  maxConcurrent: z.int().min(1).max(1000).default(1),
  finisher: z.partialRecord(z.enum(requesterClasses), finisherMode).default({}).transform(withDefaultFinisher),
  takeOutOfService: z
    .strictObject({ readinessGate: z.boolean().default(false), trafficLabel: labelKey.optional() })
    .prefault({})
    .transform(({ readinessGate, trafficLabel }) => ({ readinessGate, trafficLabel })),
});

function withDefaultFinisher(chosen: { readonly [Name in RequesterClass]?: FinisherMode }): Record<
  RequesterClass,
  FinisherMode
> {
  return { ...defaultFinisher, ...chosen };
}

/** Fills the defaults in. Throws {@link InvalidGuardPolicyError} naming each field that is wrong. */
export function resolveGuardPolicy(options: GuardPolicyOptions): GuardPolicy {
  const read = guardPolicySchema.safeParse(options);
  if (read.success) return read.data;
  throw new InvalidGuardPolicyError(read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`));
}
