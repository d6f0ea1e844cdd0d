import { differenceOf, maxOf, noAmounts, type Amounts } from './amounts.ts';

/**
 * What an object is charged under. At a validating webhook the uid of a create is the one that will be stored, so every
 * repeat of a call has the same key and a new try of a client has another.
 */
export interface ChargeKey {
  /** Id of the cluster: the uid of its namespace `kube-system`. */
  readonly cluster: string;
  /** `pods`, `deployments.apps`: plural and group. */
  readonly resource: string;
  /** `metadata.uid`. */
  readonly uid: string;
}

/** What one version of an object uses, and the quotas it falls under. */
export interface Usage {
  readonly amounts: Amounts;
  /** Ids, without repeats. */
  readonly quotas: readonly string[];
}

/** The version that was last seen in the cluster. */
export interface ObservedUsage extends Usage {
  readonly resourceVersion: bigint;
}

/** A version that may be stored or not: it was admitted, and nothing of it has been seen yet. */
export interface PendingUsage extends Usage {
  /** The resourceVersion that it replaces, 0 for a create. At most one write can win over each. */
  readonly base: bigint;
  /** The call that asked, null when several did: a call can give back only what nobody else holds. */
  readonly attempt: string | null;
  /** Changes with every call, so that the age of the last one counts. */
  readonly stamp: string;
  /** Wall-clock milliseconds, to be shown; nothing is decided by it. */
  readonly reservedAt: number;
}

/** Why a reservation was let go although its object was never seen. */
export type ReleaseReason = 'caller-left' | 'never-stored' | 'operator';

/**
 * All that the ledger holds for one object. A charge that has been released is kept for a while without usage, to notice
 * an object that appears all the same.
 */
export interface Charge {
  readonly key: ChargeKey;
  readonly namespace: string;
  readonly name: string;
  /** Whether the object was admitted by us or first seen in the cluster. */
  readonly origin: 'reserved' | 'discovered';
  readonly observed: ObservedUsage | null;
  /** One for each base, in rising order. */
  readonly pending: readonly PendingUsage[];
  readonly released: { readonly reason: ReleaseReason; readonly at: number } | null;
}

/**
 * Marks the uid of a charge that belongs to no object: a block that a member holds for requests to come, so that it can answer
 * them before their own charges are written. No uid of an object begins so.
 */
const prepaidPrefix = 'prepaid-';

export function prepaidUid(name: string): string {
  return `${prepaidPrefix}${name}`;
}

export function isPrepaid({ uid }: ChargeKey): boolean {
  return uid.startsWith(prepaidPrefix);
}

export type ChargeState = 'reserved' | 'confirmed' | 'discovered' | 'released';

export function chargeState({ origin, observed, released }: Charge): ChargeState {
  if (released !== null) return 'released';
  if (observed === null) return 'reserved';
  return origin === 'reserved' ? 'confirmed' : 'discovered';
}

/** What a charge takes of one quota. */
export interface Share {
  /** Of the version last seen. */
  readonly used: Amounts;
  /** What versions that may still be stored would take beyond it: the most of them, never their sum. */
  readonly reserved: Amounts;
}

export const noShare: Share = { used: noAmounts, reserved: noAmounts };

export function shareOf(charge: Charge | undefined, quota: string): Share {
  if (charge === undefined) return noShare;
  const { observed, pending } = charge;
  const used = observed?.quotas.includes(quota) === true ? observed.amounts : noAmounts;
  let most = used;
  for (const each of pending) if (each.quotas.includes(quota)) most = maxOf(most, each.amounts);
  return most === used ? { used, reserved: noAmounts } : { used, reserved: differenceOf(most, used) };
}

/** Ids of the quotas that a charge takes something of. */
export function quotasOf(charge: Charge | undefined): string[] {
  if (charge === undefined) return [];
  const { observed, pending } = charge;
  if (observed === null && pending.length === 1) return [...(pending[0]?.quotas ?? [])];
  return [...new Set([...(observed?.quotas ?? []), ...pending.flatMap(({ quotas }) => quotas)])];
}

/** One text for each key, equal for equal keys. None of the parts can hold a line feed. */
export function keyText({ cluster, resource, uid }: ChargeKey): string {
  return `${cluster}\n${resource}\n${uid}`;
}
