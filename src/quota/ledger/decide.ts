import {
  amountsOf,
  areEqualAmounts,
  differenceOf,
  isWithin,
  maxOf,
  noAmounts,
  sumOf,
  type Amounts,
} from './amounts.ts';
import { readCensuses } from './census.ts';
import {
  isPrepaid,
  keyText,
  quotasOf,
  type Charge,
  type ChargeKey,
  type ObservedUsage,
  type PendingUsage,
  type ReleaseReason,
  type Usage,
} from './charge.ts';
import { Draft, placesOf } from './draft.ts';
import { judge } from './judge.ts';
import type {
  Observation,
  ObservationOutcome,
  Operation,
  OperationKind,
  Outcomes,
  Reservation,
  Settlement,
  SettlementOutcome,
} from './operations.ts';
import type { AuditEntry, LedgerChanges, LedgerNeeds, LedgerView } from './store.ts';
import { isSameQuota, type StoredQuota } from './terms.ts';
import { PrepaidGoneError, UnknownQuotaError } from './errors.ts';
import type { Verdict } from './verdict.ts';

/** What a decision takes from outside. */
export interface DecisionContext {
  /** Wall-clock milliseconds, for what is shown to people. */
  readonly now: number;
  /** A text that no other call gave. */
  readonly newStamp: () => string;
}

/** An operation that has been decided, or that could not be; the others of its batch do not notice. */
export type Settled<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

export interface BatchDecision {
  /** In the order of the operations. */
  readonly outcomes: readonly Settled<Outcomes[OperationKind]>[];
  readonly changes: LedgerChanges;
}

/** What a batch must load before {@link decide}; found out when a store asks. */
export function needsOf(operations: readonly Operation[]): LedgerNeeds {
  let collected: NeedsCollector | undefined;
  const needs = (): NeedsCollector => (collected ??= collectNeeds(operations));
  return {
    get keys() {
      return needs().keys;
    },
    get quotas() {
      return needs().quotas;
    },
    get places() {
      return needs().places;
    },
    get clusters() {
      return needs().clusters;
    },
  };
}

function collectNeeds(operations: readonly Operation[]): NeedsCollector {
  const needs = new NeedsCollector();
  for (const operation of operations) {
    switch (operation.kind) {
      case 'charge-prepaid':
      case 'reserve': {
        const { key, namespace, quotas, old } = operation.reservation;
        needs.add(key, namespace, quotas);
        needs.addQuotas(old?.quotas ?? []);
        if (operation.kind === 'charge-prepaid') for (const block of operation.blocks) needs.add(block, '', []);
        break;
      }
      case 'prepay':
        needs.add(operation.block, '', [operation.quota]);
        break;
      case 'end-prepaid':
        needs.add(operation.block, '', []);
        break;
      case 'give-back':
        needs.add(operation.key, operation.namespace, []);
        break;
      case 'observe':
        for (const each of operation.observations) {
          needs.add(each.key, each.namespace, each.type === 'present' ? each.quotas : []);
        }
        break;
      case 'settle':
        for (const { key, namespace, found } of operation.settlements) needs.add(key, namespace, found?.quotas ?? []);
        break;
      case 'release':
        for (const { key, namespace } of operation.charges) needs.add(key, namespace, []);
        break;
      case 'unselect':
        needs.addQuotas([operation.quota]);
        for (const { key, namespace } of operation.charges) needs.add(key, namespace, []);
        break;
      case 'forget-released':
        for (const { key, namespace } of operation.keys) needs.add(key, namespace, []);
        break;
      case 'change-quota':
        needs.addQuotas([operation.id]);
        break;
      case 'change-clusters':
        needs.clusters = true;
        break;
    }
  }
  return needs;
}

/**
 * Carries out a batch of operations, one after the other, on what was loaded for it: each sees what those before it did.
 * Pure but for the stamps. Nothing counts before the changes are durable.
 */
export function decide(view: LedgerView, operations: readonly Operation[], context: DecisionContext): BatchDecision {
  const draft = new Draft(view);
  const outcomes = operations.map((operation): Settled<Outcomes[OperationKind]> => {
    try {
      return { ok: true, value: carryOut(draft, operation, context) };
    } catch (error) {
      // Operations look before they write, so one that throws has changed nothing.
      return { ok: false, error };
    }
  });
  return { outcomes, changes: draft.changes() };
}

function carryOut(draft: Draft, operation: Operation, context: DecisionContext): Outcomes[OperationKind] {
  switch (operation.kind) {
    case 'reserve':
      return reserve(draft, operation, context);
    case 'charge-prepaid':
      return chargePrepaid(draft, operation, context);
    case 'prepay':
      return prepay(draft, operation, context);
    case 'end-prepaid':
      return endPrepaid(draft, operation, context);
    case 'give-back':
      return giveBack(draft, operation, context);
    case 'observe':
      return operation.observations.map((observation) => observe(draft, observation, context));
    case 'settle':
      return operation.settlements.map((settlement) => settle(draft, settlement, context));
    case 'release':
      return operation.charges.filter(({ key }) => releaseByOperator(draft, key, operation, context)).length;
    case 'unselect':
      return unselect(draft, operation);
    case 'forget-released':
      return operation.keys.filter(({ key, namespace }) => forgetReleased(draft, key, namespace)).length;
    case 'change-quota':
      return changeQuota(draft, operation, context);
    case 'change-clusters':
      return changeClusters(draft, operation);
  }
}

/**
 * All quotas or none. What is asked for is held beside what was seen of the object, and the most of them counts: a second
 * try over the same version costs nothing more, and one over a version that has been replaced cannot win any more.
 */
function reserve(
  draft: Draft,
  { reservation, spare }: Pick<Extract<Operation, { kind: 'reserve' }>, 'reservation' | 'spare'>,
  context: DecisionContext,
): Verdict {
  const proposed = propose(draft, reservation, context);
  if (proposed === undefined) return nothingToHold;
  const { key, namespace, usage, unchecked = false, dryRun } = reservation;
  const place = { cluster: key.cluster, namespace };
  const verdict = judge(draft, { ...proposed, place, usage, unchecked, spare });
  if (dryRun || !verdict.allowed) return { ...verdict, charged: false };
  draft.put(key, namespace, proposed.after);
  return verdict;
}

interface Proposed {
  readonly before: Charge | undefined;
  readonly seen: Charge;
  readonly after: Charge;
}

/** The charge as the request would have it; undefined when there is nothing to hold. */
function propose(draft: Draft, reservation: Reservation, context: DecisionContext): Proposed | undefined {
  const { key, name, old, quotas } = reservation;
  const unknown = quotas.filter((id) => (draft.quota(id)?.removed ?? true) === true);
  if (unknown.length > 0) throw new UnknownQuotaError(unknown);
  const amounts = amountsOf(reservation.usage);
  const before = draft.charge(key);
  const base = old?.resourceVersion ?? 0n;
  if (old === undefined && quotas.length === 0) return undefined;
  if (before?.observed != null && before.observed.resourceVersion > base) return undefined;
  if (old !== undefined && addsNothing(amounts, quotas, old)) return undefined;

  const known = before?.released != null ? undefined : before;
  // The old object is evidence of what its version used, also when no informer has told of it yet.
  const seen =
    old === undefined
      ? (known ?? newCharge(reservation, 'reserved'))
      : withObserved(known ?? newCharge(reservation, 'discovered'), {
          amounts: amountsOf(old.usage),
          quotas: knownOf(draft, old.quotas),
          resourceVersion: base,
        });
  const pending = withPending(seen.pending, {
    amounts,
    quotas,
    base,
    attempt: reservation.attempt,
    stamp: context.newStamp(),
    reservedAt: context.now,
  });
  return { before, seen, after: { ...seen, name, pending } };
}

/** The request was admitted already: what it takes moves from the blocks to a charge of its own. */
function chargePrepaid(
  draft: Draft,
  { reservation, blocks }: Extract<Operation, { kind: 'charge-prepaid' }>,
  context: DecisionContext,
): Verdict {
  const held = blocks.map((block) => heldIn(draft, block));
  if (held.includes(undefined)) throw new PrepaidGoneError();
  const proposed = propose(draft, reservation, context);
  const amounts = amountsOf(reservation.usage);
  for (const [index, block] of blocks.entries()) {
    const { quota, amounts: before } = held[index] ?? { quota: '', amounts: noAmounts };
    const left = [...before].map(([name, amount]): [string, bigint] => [name, amount - (amounts.get(name) ?? 0n)]);
    putBlock(draft, block, quota, new Map(left.filter(([, amount]) => amount > 0n)), context);
  }
  if (proposed !== undefined) draft.put(reservation.key, reservation.namespace, proposed.after);
  return admitted;
}

/** What was said of a request that was admitted from a block. */
export const admitted: Verdict = { allowed: true, charged: true, refusals: [], overruns: [], nearLimits: [] };

function prepay(
  draft: Draft,
  { block, quota, least, target }: Extract<Operation, { kind: 'prepay' }>,
  context: DecisionContext,
): Amounts | null {
  const stored = draft.quota(quota);
  if (stored === undefined || stored.removed) throw new UnknownQuotaError([quota]);
  const held = heldIn(draft, block)?.amounts ?? noAmounts;
  const { used, reserved } = draft.balance({ quota, cluster: '', namespace: '' });
  const added = new Map<string, bigint>();
  for (const [name, wanted] of target) {
    const limit = stored.terms.hard.get(name);
    const missing = wanted - (held.get(name) ?? 0n);
    if (limit === undefined || missing <= 0n) continue;
    const half = (limit.nano() - (used.get(name) ?? 0n) - (reserved.get(name) ?? 0n)) / 2n;
    const each = least.get(name) ?? 0n;
    // As many requests as fit, and no part of one.
    const more = missing < half ? missing : half - (each > 0n ? half % each : 0n);
    if ((held.get(name) ?? 0n) + more < each) return null;
    if (more > 0n) added.set(name, more);
  }
  putBlock(draft, block, quota, sumOf(held, added), context);
  return added;
}

function endPrepaid(
  draft: Draft,
  { block, spare }: Extract<Operation, { kind: 'end-prepaid' }>,
  context: DecisionContext,
): undefined {
  const held = heldIn(draft, block);
  if (held === undefined) return;
  const owed = new Map([...differenceOf(held.amounts, spare)].filter(([, amount]) => amount > 0n));
  if (owed.size === 0) draft.put(block, '', null);
  else putBlock(draft, block, held.quota, owed, context);
}

/** Undefined: there is no such block. */
function heldIn(draft: Draft, block: ChargeKey): { readonly quota: string; readonly amounts: Amounts } | undefined {
  const [pending] = draft.charge(block)?.pending ?? [];
  return pending === undefined ? undefined : { quota: pending.quotas[0] ?? '', amounts: pending.amounts };
}

/** In no namespace: only the cluster and the whole hold it. */
function putBlock(draft: Draft, key: ChargeKey, quota: string, amounts: Amounts, context: DecisionContext): void {
  const stamp = context.newStamp();
  const pending = [{ amounts, quotas: [quota], base: 0n, attempt: null, stamp, reservedAt: context.now }];
  draft.put(key, '', { ...newCharge({ key, namespace: '', name: '' }, 'reserved'), pending });
}

const nothingToHold: Verdict = { allowed: true, charged: false, refusals: [], overruns: [], nearLimits: [] };

/** Whether an update takes no more of any quota than the version that it replaces, which is there already. */
function addsNothing(amounts: Amounts, quotas: readonly string[], old: NonNullable<Reservation['old']>): boolean {
  if (amounts.size === 0 || quotas.length === 0) return true;
  return quotas.every((quota) => old.quotas.includes(quota)) && isWithin(amounts, amountsOf(old.usage));
}

function newCharge(
  { key, namespace, name }: { readonly key: ChargeKey; readonly namespace: string; readonly name: string },
  origin: Charge['origin'],
): Charge {
  return { key, namespace, name, origin, observed: null, pending: [], released: null };
}

/** Writes over versions before the observed one have ended: they won or they lost. */
function withObserved(charge: Charge, observed: ObservedUsage): Charge {
  const later = charge.pending.filter(({ base }) => base >= observed.resourceVersion);
  return { ...charge, observed, pending: later.length === charge.pending.length ? charge.pending : later };
}

function withPending(pending: readonly PendingUsage[], added: PendingUsage): PendingUsage[] {
  const same = pending.find(({ base }) => base === added.base);
  const others = pending.filter(({ base }) => base !== added.base);
  if (same === undefined) return [...others, added].sort((a, b) => (a.base < b.base ? -1 : 1));
  const merged: PendingUsage = {
    ...added,
    amounts: maxOf(same.amounts, added.amounts),
    quotas: [...new Set([...same.quotas, ...added.quotas])],
    attempt: same.attempt === added.attempt ? added.attempt : null,
  };
  return [...others, merged].sort((a, b) => (a.base < b.base ? -1 : 1));
}

/** What a call holds alone is let go; what another call of the same object holds too is left to evidence. */
function giveBack(
  draft: Draft,
  { key, namespace, attempt }: Extract<Operation, { kind: 'give-back' }>,
  context: DecisionContext,
): boolean {
  const charge = draft.charge(key);
  const pending = charge?.pending.filter((each) => each.attempt !== attempt) ?? [];
  if (charge === undefined || pending.length === charge.pending.length) return false;
  draft.put(key, namespace, emptied({ ...charge, pending }, 'caller-left', context));
  return true;
}

/** The charge, or what is kept of it when nothing is charged any more. */
function emptied(charge: Charge, reason: ReleaseReason, { now }: DecisionContext): Charge {
  if (charge.observed !== null || charge.pending.length > 0) return charge;
  return { ...charge, released: { reason, at: now } };
}

function observe(draft: Draft, observation: Observation, context: DecisionContext): ObservationOutcome {
  const { key, namespace } = observation;
  const before = draft.charge(key);
  if (observation.type === 'gone') {
    if (before === undefined) return 'unchanged';
    draft.put(key, namespace, null);
    return 'gone';
  }
  const { name, resourceVersion } = observation;
  const quotas = knownOf(draft, observation.quotas);
  const observed: ObservedUsage = { amounts: amountsOf(observation.usage), quotas, resourceVersion };
  if (before === undefined || before.released !== null) {
    // What no quota counts is not kept.
    if (quotas.length === 0) return 'unchanged';
    draft.put(key, namespace, { ...newCharge({ key, namespace, name }, 'discovered'), observed });
    if (before === undefined) return 'discovered';
    draft.note(lateConfirmation(before, context));
    return 'late';
  }
  if (before.observed !== null && !isNews(before.observed, observed)) return 'unchanged';
  const after = withObserved(before, observed);
  draft.put(key, namespace, quotas.length === 0 && after.pending.length === 0 ? null : { ...after, name });
  return before.observed === null ? 'confirmed' : 'changed';
}

/** A charge names no quota that it is not in the sums of: terms that come later find it uncounted. */
function knownOf(draft: Draft, quotas: readonly string[]): readonly string[] {
  return quotas.filter((id) => draft.quota(id) !== undefined);
}

/** The same version may count otherwise than before: its namespace was relabelled, its Pod's grace has run out. */
function isNews(known: ObservedUsage, seen: ObservedUsage): boolean {
  if (seen.resourceVersion !== known.resourceVersion) return seen.resourceVersion > known.resourceVersion;
  const sameQuotas = seen.quotas.length === known.quotas.length && seen.quotas.every((id) => known.quotas.includes(id));
  return !sameQuotas || !areEqualAmounts(seen.amounts, known.amounts);
}

function lateConfirmation({ key, released, name, namespace }: Charge, { now }: DecisionContext): AuditEntry {
  return {
    at: now,
    kind: 'late-confirmation',
    facts: { ...key, namespace, name, released: released?.reason ?? '' },
  };
}

function settle(draft: Draft, settlement: Settlement, context: DecisionContext): SettlementOutcome {
  const { key, namespace, ended, found, asOf } = settlement;
  // The objects that were admitted from a block have other uids: only a list shows all of them.
  if (isPrepaid(key) && asOf === null) return 'unchanged';
  const seen = found === null ? 'unchanged' : observe(draft, { type: 'present', key, namespace, ...found }, context);
  const charge = draft.charge(key);
  if (charge === undefined || charge.released !== null) return seen;
  // What an ended write was to replace was there before the read, which does not show it any more: a uid never comes back.
  const before = charge.pending.filter(({ stamp }) => ended.has(stamp)).map(({ base }) => base);
  const isGone = found === null && isUpTo(charge.observed, [asOf ?? 0n, ...before]);
  const observed = isGone ? null : charge.observed;
  const pending = charge.pending.filter(({ stamp }) => !ended.has(stamp));
  if (!isGone && pending.length === charge.pending.length) return seen;
  if (isGone && pending.length === 0) {
    draft.put(key, namespace, null);
    return 'gone';
  }
  const after = { ...charge, observed, pending };
  draft.put(key, namespace, isPrepaid(key) ? null : emptied(after, 'never-stored', context));
  return isGone ? 'gone' : 'released';
}

function isUpTo(observed: ObservedUsage | null, versions: readonly bigint[]): boolean {
  return observed !== null && versions.some((version) => observed.resourceVersion <= version);
}

function releaseByOperator(
  draft: Draft,
  key: ChargeKey,
  { by, reason }: { readonly by: string; readonly reason: string },
  context: DecisionContext,
): boolean {
  const charge = draft.charge(key);
  if (charge === undefined || charge.released !== null) return false;
  draft.put(key, charge.namespace, emptied({ ...charge, observed: null, pending: [] }, 'operator', context));
  const facts = { ...key, namespace: charge.namespace, name: charge.name, by, reason };
  draft.note({ at: context.now, kind: 'release', facts });
  return true;
}

function unselect(
  draft: Draft,
  { quota: id, generation, cluster, stamp, charges }: Extract<Operation, { kind: 'unselect' }>,
): boolean {
  const quota = draft.quota(id);
  if (quota?.terms.generation !== generation) return false;
  if (readCensuses(quota.census).get(cluster)?.stamp !== stamp) return false;
  const without = <T extends Usage>(usage: T): T => ({ ...usage, quotas: usage.quotas.filter((each) => each !== id) });
  for (const { key, namespace } of charges) {
    const charge = draft.charge(key);
    if (charge === undefined || !quotasOf(charge).includes(id)) continue;
    const observed = charge.observed && without(charge.observed);
    const pending = charge.pending.map(without).filter(({ quotas }) => quotas.length > 0);
    const isCharged = pending.length > 0 || (observed?.quotas.length ?? 0) > 0;
    draft.put(key, namespace, isCharged ? { ...charge, observed, pending } : null);
  }
  return true;
}

function forgetReleased(draft: Draft, key: ChargeKey, namespace: string): boolean {
  if (draft.charge(key)?.released == null) return false;
  draft.put(key, namespace, null);
  return true;
}

function changeQuota(
  draft: Draft,
  { id, change }: Extract<Operation, { kind: 'change-quota' }>,
  context: DecisionContext,
): unknown {
  const stored = draft.quota(id);
  const { used, reserved } = draft.balance({ quota: id, cluster: '', namespace: '' });
  const { quota: changedTo, result } = change({ quota: stored?.removed === true ? undefined : stored, used, reserved });
  if (changedTo === undefined) return result;
  const quota = changedTo && { census: stored?.census ?? null, ...changedTo };
  if (quota !== null && stored !== undefined && isSameQuota(stored, quota)) return result;
  if (quota !== null) draft.putQuota(id, quota);
  else if (stored !== undefined) {
    const isFree = used.size === 0 && reserved.size === 0;
    draft.putQuota(id, isFree ? null : { ...stored, removed: true, census: null });
  }
  const changed = describeTerms(stored, quota);
  if (changed !== undefined) draft.note({ at: context.now, kind: 'terms', facts: { quota: id, ...changed } });
  return result;
}

function describeTerms(
  before: StoredQuota | undefined,
  after: StoredQuota | null,
): Readonly<Record<string, string>> | undefined {
  if (after === null) return before === undefined ? undefined : { name: before.terms.name, hard: 'removed' };
  const text = ({ terms }: StoredQuota) =>
    [...terms.hard].map(([name, quantity]) => `${name}=${String(quantity)}`).join(',');
  const hard = text(after);
  if (before !== undefined && !before.removed && text(before) === hard) return undefined;
  return { name: after.terms.name, hard };
}

function changeClusters(draft: Draft, { change }: Extract<Operation, { kind: 'change-clusters' }>): undefined {
  const { put, remove, audit } = change(draft.clusters());
  if (remove !== undefined) draft.putCluster(remove, null);
  if (put !== undefined) draft.putCluster(put.id, put);
  if (audit !== undefined) draft.note(audit);
}

class NeedsCollector implements LedgerNeeds {
  clusters = false;
  readonly #keys = new Map<string, ChargeKey>();
  readonly #quotas = new Set<string>();
  readonly #places = new Map<string, { cluster: string; namespace: string }>();

  get keys(): readonly ChargeKey[] {
    return [...this.#keys.values()];
  }

  get quotas(): readonly string[] {
    return [...this.#quotas];
  }

  get places(): readonly { cluster: string; namespace: string }[] {
    return [...this.#places.values()];
  }

  add(key: ChargeKey, namespace: string, quotas: readonly string[]): void {
    this.#keys.set(keyText(key), key);
    for (const place of placesOf(key.cluster, namespace)) {
      this.#places.set(`${place.cluster}\n${place.namespace}`, place);
    }
    this.addQuotas(quotas);
  }

  addQuotas(quotas: readonly string[]): void {
    for (const quota of quotas) this.#quotas.add(quota);
  }
}
