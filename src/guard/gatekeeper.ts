import type { UserInfo } from '../api/admission-review.ts';
import type { Namespace, Node, Pod } from '../api/generated/core.v1.ts';
import type { PodDisruptionBudget } from '../api/generated/policy.v1.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import type { StatusCause } from '../api/status.ts';
import { ApiStatusError, ApiUnreachableError, isNotFound, type ObjectAddress } from '../kube/index.ts';
import type { Clock, Logger } from '../telemetry/index.ts';
import { budgetAnswer } from './disruption-budget.ts';
import { exemptionOf } from './exemption.ts';
import type { Guard, GuardSet } from './guard.ts';
import type { GuardClient } from './guard-client.ts';
import { guardLabel, guardLabelValue, stateOf, type GuardPhase } from './guard-state.ts';
import type { AnsweredFacts, GuardObserver } from './observer.ts';
import type { PodCache } from './pod-cache.ts';
import { podAddress, restoreOf, writeState } from './pod-store.ts';
import { classifyRequester, type RemovalVerb, type RequesterClass } from './requester.ts';
import type { Slots } from './slots.ts';
import { next, type GuardAnswer, type RemovalAttempt } from './state-machine.ts';

/** A request that would make a Pod leave. */
export interface Removal {
  readonly verb: RemovalVerb;
  readonly namespace: string;
  readonly name: string;
  /** As the request shows it; an eviction does not. */
  readonly pod: Pod | undefined;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  readonly graceSeconds: number | undefined;
  /** The requester means this Pod only. */
  readonly uidPrecondition: string | undefined;
}

export type RemovalAnswer =
  | {
      readonly kind: 'allow';
      readonly warnings: readonly string[];
      readonly auditAnnotations: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'hold'; readonly message: string; readonly causes: readonly StatusCause[] };

export interface GatekeeperOptions {
  readonly client: GuardClient;
  readonly guards: GuardSet;
  readonly pods: PodCache;
  /** Whether the cache knows that the Namespace is being deleted. */
  readonly isTerminating: (namespace: string) => boolean;
  readonly slots: Slots;
  readonly identity: string;
  /** Called with a Pod whose clean-up this replica has just claimed. */
  readonly claimed: (pod: Pod) => void;
  /**
   * A Pod of which the state cannot be read or written for this long is let go, unless its guard holds past the deadline too.
   * Failures further apart than this are not one.
   */
  readonly failOpenAfterSeconds: number;
  readonly observer: GuardObserver;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Decides about removals: from the cache while a hold lasts, with the API server before one begins. */
export class Gatekeeper {
  readonly #options: GatekeeperOptions;
  /** Claims under way by the Pod's UID, so that many requests at once make one. */
  readonly #claims = new Map<string, Promise<Pod | undefined>>();
  /** Since when the state of a Pod cannot be read or written, and was last found so, by its UID; monotonic. */
  readonly #failing = new Map<string, { readonly since: number; readonly last: number }>();

  constructor(options: GatekeeperOptions) {
    this.#options = options;
  }

  /** Throws only when it cannot even be told whether the Pod is guarded; `failurePolicy` decides then. */
  async decide(removal: Removal, signal?: AbortSignal): Promise<RemovalAnswer> {
    const { clock } = this.#options;
    const startedAt = clock.monotonic();
    let pod = removal.pod ?? this.#options.pods.get(removal.name, removal.namespace);
    if (pod === undefined || !isMeant(pod, removal)) pod = await this.#read(removal, signal);
    for (let round = 0; round < maxRounds; round++) {
      // The API server says itself that there is none.
      if (pod === undefined || !isMeant(pod, removal)) return allowed;
      const verdict = await this.#judge(pod, removal, signal);
      if (verdict.reply.kind === 'allow' && removal.verb === 'eviction') {
        // It carries no Pod, only a name that another may bear by now, and is not decided anew when the Pod changes: what
        // was judged must be what is there.
        const current: Pod | undefined | 'unknown' = await this.#confirm(removal, verdict, signal);
        if (current === 'unknown') return unconfirmed(removal);
        if (current !== undefined && !isSame(current, verdict.pod)) {
          pod = current;
          continue;
        }
      }
      if (verdict.answer !== undefined) {
        this.#observe(pod, removal, verdict.answer, (clock.monotonic() - startedAt) / 1000);
      }
      return verdict.reply;
    }
    throw new RangeError(`the Pod ${removal.name} changes faster than it can be judged`);
  }

  async #judge(pod: Pod, removal: Removal, signal: AbortSignal | undefined): Promise<Verdict> {
    const { guards, isTerminating } = this.#options;
    const guard = isGuarded(pod) ? guards.guardOf(pod) : undefined;
    if (guard === undefined) return { reply: allowed, answer: undefined, pod };
    const exemption = exemptionOf(pod, removal.user);
    if (exemption !== undefined) return exempt(exemption, pod);
    const requesterClass = classifyRequester(removal.user, removal.verb);
    const isNamespaceLeaving = requesterClass === 'Namespace' || isTerminating(removal.namespace);
    if (isNamespaceLeaving && guard.policy.onNamespaceDelete === 'Allow') return exempt('namespace-terminating', pod);
    const uid = pod.metadata?.uid ?? '';
    try {
      const verdict = await this.#answer(pod, guard, removal, requesterClass, signal);
      if (verdict === undefined)
        return this.#whileFailing(pod, guard, 'others write it, or the API server refuses ours');
      this.#failing.delete(uid);
      return verdict;
    } catch (error) {
      if (!(error instanceof ApiStatusError || error instanceof ApiUnreachableError)) throw error;
      return this.#whileFailing(pod, guard, error.message);
    }
  }

  /** Undefined when no write of ours came through. */
  async #answer(
    seen: Pod,
    guard: Guard,
    removal: Removal,
    requesterClass: RequesterClass,
    signal: AbortSignal | undefined,
  ): Promise<Verdict | undefined> {
    const { client, clock } = this.#options;
    const attempt = this.#attempt(seen, guard, removal, requesterClass);
    let pod = seen;
    for (let round = 0; round < maxRounds; round++) {
      const state = stateOf(pod);
      const isHeld = state !== undefined && state.phase !== 'Aborted';
      if (removal.dryRun && !isHeld) return hold(pod, guard, 'Cleaning', removal.dryRun);
      if (!isHeld) {
        const claim = await this.#startOrJoin(pod, guard, removal, attempt, signal);
        if (claim.kind === 'verdict') return claim.verdict;
        pod = claim.pod;
        continue;
      }
      const step = next(state, { kind: 'attempt', ...attempt }, clock.now(), guard.policy);
      const answer: GuardAnswer = step.answer ?? { kind: 'hold', phase: state.phase };
      if (answer.kind === 'allow') return release(answer, pod);
      if (step.state === state || removal.dryRun) return hold(pod, guard, answer.phase, removal.dryRun);
      const written = await writeState(client, pod, step.state, { signal });
      if (written.kind === 'written') return hold(pod, guard, answer.phase, false);
      if (written.kind === 'gone') return gone;
      const current = await this.#read(removal, signal);
      if (current === undefined || current.metadata?.uid !== pod.metadata?.uid) return gone;
      pod = current;
    }
    return undefined;
  }

  /** Begins a hold, or waits for the one who does. Gives the Pod that came of it, or the answer when none begins. */
  async #startOrJoin(
    pod: Pod,
    guard: Guard,
    removal: Removal,
    attempt: RemovalAttempt,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly kind: 'pod'; readonly pod: Pod } | { readonly kind: 'verdict'; readonly verdict: Verdict }> {
    const uid = pod.metadata?.uid ?? '';
    const underWay = this.#claims.get(uid);
    if (underWay !== undefined) {
      const claimed = await underWay.catch(() => undefined);
      if (claimed !== undefined) return { kind: 'pod', pod: claimed };
    }
    const { promise, resolve } = Promise.withResolvers<Pod | undefined>();
    this.#claims.set(uid, promise);
    let claimed: Pod | undefined;
    try {
      const facts = await this.#facts(pod, removal, signal);
      const refusal = facts === undefined ? gone : this.#refuse(facts, guard, removal);
      if (refusal !== undefined || facts === undefined) return { kind: 'verdict', verdict: refusal ?? gone };
      const outcome = await this.#claim(facts.pod, guard, attempt, signal);
      if (outcome.kind === 'pod') claimed = outcome.pod;
      return outcome;
    } finally {
      if (this.#claims.get(uid) === promise) this.#claims.delete(uid);
      resolve(claimed);
    }
  }

  async #claim(
    pod: Pod,
    guard: Guard,
    attempt: RemovalAttempt,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly kind: 'pod'; readonly pod: Pod } | { readonly kind: 'verdict'; readonly verdict: Verdict }> {
    const { client, slots, clock, claimed, observer } = this.#options;
    const before = stateOf(pod);
    if (before !== undefined && before.phase !== 'Aborted') return { kind: 'pod', pod };
    const hasSlot = await slots.acquire(pod, guard.policy.maxConcurrent, signal);
    const restore = restoreOf(pod, guard.policy);
    const step = next(before, { kind: 'attempt', ...attempt, hasSlot, restore }, clock.now(), guard.policy);
    if (step.state === before) return { kind: 'verdict', verdict: hold(pod, guard, 'Waiting', false) };
    // What was asked of an earlier hold is not asked of this one.
    const written = await writeState(client, pod, step.state, { signal, clearsRequest: true });
    switch (written.kind) {
      case 'written':
        observer.phaseChanged?.({ pod: written.pod, before, after: step.state });
        claimed(written.pod);
        return { kind: 'verdict', verdict: hold(written.pod, guard, step.state?.phase ?? 'Cleaning', false) };
      case 'gone':
        return { kind: 'verdict', verdict: gone };
      case 'conflict': {
        const current = await this.#read(
          { namespace: pod.metadata?.namespace ?? '', name: pod.metadata?.name ?? '' },
          signal,
        );
        if (current === undefined || current.metadata?.uid !== pod.metadata?.uid) {
          return { kind: 'verdict', verdict: gone };
        }
        return { kind: 'pod', pod: current };
      }
    }
  }

  /** What must be asked anew before a clean-up begins; undefined when that Pod is gone. */
  async #facts(pod: Pod, removal: Removal, signal: AbortSignal | undefined): Promise<StartFacts | undefined> {
    const { client } = this.#options;
    const namespace = pod.metadata?.namespace ?? '';
    const [current, owner, node, budgets] = await Promise.all([
      this.#get<Pod>(podAddress(pod), signal),
      this.#get<Namespace>({ group: '', version: 'v1', resource: 'namespaces', name: namespace }, signal),
      this.#get<Node>({ group: '', version: 'v1', resource: 'nodes', name: pod.spec?.nodeName ?? '' }, signal),
      removal.verb === 'eviction'
        ? client.list<PodDisruptionBudget>(
            { group: 'policy', version: 'v1', resource: 'poddisruptionbudgets', namespace },
            { signal },
          )
        : undefined,
    ]);
    if (current === undefined || current.metadata?.uid !== pod.metadata?.uid) return undefined;
    return { pod: current, namespace: owner, node, budgets: budgets?.items ?? [] };
  }

  /** Why no clean-up begins; undefined when one may. */
  #refuse({ pod, namespace, node, budgets }: StartFacts, guard: Guard, removal: Removal): Verdict | undefined {
    const exemption = exemptionOf(pod, removal.user);
    if (exemption !== undefined) return exempt(exemption, pod);
    // The request may show what is not so: it need not come from the API server.
    if (!isGuarded(pod) || this.#options.guards.guardOf(pod)?.name !== guard.name) return exempt('unguarded', pod);
    const isLeaving = namespace?.metadata?.deletionTimestamp !== undefined;
    if (isLeaving && guard.policy.onNamespaceDelete === 'Allow') return exempt('namespace-terminating', pod);
    if (node === undefined) return exempt('node-gone', pod);
    const isOut = node.spec?.taints?.some(({ key }) => key === outOfServiceTaint) ?? false;
    if (isOut) return exempt('node-out-of-service', pod);
    if (removal.verb === 'DELETE') return undefined;
    const budget = budgetAnswer(pod, budgets);
    if (budget.kind === 'free') return undefined;
    return {
      answer: { kind: 'budget' },
      pod,
      reply: { kind: 'hold', message: budget.message, causes: budget.causes },
    };
  }

  /** The Pod as it is now; `unknown` when a guarded one cannot be read. */
  async #confirm(
    removal: Removal,
    { answer }: Verdict,
    signal: AbortSignal | undefined,
  ): Promise<Pod | undefined | 'unknown'> {
    try {
      return await this.#read(removal, signal);
    } catch (error) {
      if (answer !== undefined && (error instanceof ApiStatusError || error instanceof ApiUnreachableError))
        return 'unknown';
      throw error;
    }
  }

  /** A state that cannot be read or written is no reason to let go, nor to hold for ever. */
  #whileFailing(pod: Pod, guard: Guard, problem: string): Verdict {
    const { clock, failOpenAfterSeconds, log } = this.#options;
    const { uid = '', namespace, name } = pod.metadata ?? {};
    const patience = failOpenAfterSeconds * 1000;
    const now = clock.monotonic();
    for (const [other, { last }] of this.#failing) if (now - last > patience) this.#failing.delete(other);
    const since = this.#failing.get(uid)?.since ?? now;
    this.#failing.set(uid, { since, last: now });
    log.warn('the state of a guarded Pod cannot be read or written', { namespace, pod: name, problem });
    if (now - since < patience || guard.policy.onDeadline === 'Hold') return hold(pod, guard, 'Cleaning', false);
    return release({ kind: 'allow', cause: 'Deadline' }, pod);
  }

  #attempt(pod: Pod, guard: Guard, removal: Removal, requesterClass: RequesterClass): RemovalAttempt {
    return {
      uid: pod.metadata?.uid ?? '',
      guard: guard.name,
      verb: removal.verb,
      requester: removal.user.username ?? '',
      requesterClass,
      graceSeconds: removal.graceSeconds,
      hasSlot: false,
      owner: this.#options.identity,
    };
  }

  #read(
    { namespace, name }: Pick<Removal, 'namespace' | 'name'>,
    signal: AbortSignal | undefined,
  ): Promise<Pod | undefined> {
    return this.#get<Pod>(podAddress({ metadata: { namespace, name } }), signal);
  }

  async #get<T extends KubernetesObject>(
    address: ObjectAddress,
    signal: AbortSignal | undefined,
  ): Promise<T | undefined> {
    try {
      return await this.#options.client.get<T>(address, { signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #observe(pod: Pod, removal: Removal, answer: AnsweredFacts['answer'], seconds: number): void {
    const { observer, log } = this.#options;
    const { verb, namespace, name, user, dryRun } = removal;
    const requester = user.username ?? '';
    const requesterClass = classifyRequester(user, verb);
    const uid = pod.metadata?.uid ?? '';
    observer.answered?.({ verb, namespace, name, uid, requester, requesterClass, dryRun, answer, seconds });
    log.debug('answered a removal', { namespace, pod: name, verb, requester, answer: answer.kind, dryRun });
  }
}

interface Verdict {
  readonly reply: RemovalAnswer;
  /** Undefined for a Pod that no guard is for. */
  readonly answer: AnsweredFacts['answer'] | undefined;
  /** What was judged; undefined when it is gone. */
  readonly pod: Pod | undefined;
}

interface StartFacts {
  readonly pod: Pod;
  readonly namespace: Namespace | undefined;
  readonly node: Node | undefined;
  readonly budgets: readonly PodDisruptionBudget[];
}

/** Each round after the first follows a write of somebody else; there are not that many writers. */
const maxRounds = 8;

/** Source: k8s.io/api core/v1/well_known_taints.go, TaintNodeOutOfService. */
const outOfServiceTaint = 'node.kubernetes.io/out-of-service';

const allowed: RemovalAnswer = { kind: 'allow', warnings: [], auditAnnotations: {} };

function isGuarded({ metadata }: Pod): boolean {
  return metadata?.labels?.[guardLabel] === guardLabelValue;
}

function isMeant({ metadata }: Pod, { uidPrecondition }: Removal): boolean {
  return uidPrecondition === undefined || uidPrecondition === metadata?.uid;
}

function unconfirmed({ name }: Removal): RemovalAnswer {
  const causes = [
    { reason: 'SallyportGuard', message: 'the API server did not answer', field: 'metadata.annotations' },
  ];
  return { kind: 'hold', message: `the deletion guard cannot read the Pod ${name} now; ask again`, causes };
}

function isSame({ metadata }: Pod, other: Pod | undefined): boolean {
  return metadata?.uid === other?.metadata?.uid && metadata?.resourceVersion === other?.metadata?.resourceVersion;
}

function exempt(reason: string, pod: Pod | undefined): Verdict {
  return { reply: allowed, answer: { kind: 'exempt', reason }, pod };
}

const gone: Verdict = exempt('gone', undefined);

function release(answer: Extract<GuardAnswer, { kind: 'allow' }>, pod: Pod): Verdict {
  const { cause } = answer;
  const warnings =
    cause === 'Clean' ? [] : [`released by the deletion guard without its clean-up: ${releaseReasons[cause]}`];
  return { answer, pod, reply: { kind: 'allow', warnings, auditAnnotations: { released: cause } } };
}

const releaseReasons = {
  Deadline: 'the deadline passed',
  HookFailed: 'its hook failed',
  Requested: 'a person released it',
  Bypass: `it bears the bypass annotation`,
} as const;

/**
 * The sentence stays the same during one hold: controllers put it into an Event for each try, and equal ones are
 * merged. What changes stands in the causes.
 */
function hold(pod: Pod, guard: Guard, phase: GuardPhase, dryRun: boolean): Verdict {
  const { namespace = '', name = '' } = pod.metadata ?? {};
  const message =
    `${name} ${dryRun ? 'would be' : 'is'} held by the deletion guard ${guard.name} until its clean-up is done. ` +
    `For details: sallyport guard explain -n ${namespace} ${name}. ` +
    `To let it go now: kubectl annotate pod -n ${namespace} ${name} sallyport.dev/guard-bypass=REASON`;
  const causes = [{ reason: 'SallyportGuard', message: `phase=${phase}`, field: 'metadata.annotations' }];
  return { answer: { kind: 'hold', phase }, pod, reply: { kind: 'hold', message, causes } };
}
