import { differenceOf, maxOf, noAmounts, sumOf, type Amounts } from '../ledger/amounts.ts';

/**
 * What one cluster may use of one quota, as two sums that only ever grow: all that the hub granted, and all that the member gave
 * back. The slice is the difference.
 *
 * The hub writes `granted` before it tells the member, and the member writes `returned` before it tells the hub. So what the
 * member knows of `granted` is never more than what the hub has written, and the other way round; each side takes the
 * greater of what it has and what it hears. A message that is lost leaves capacity unused, and one that is repeated, late or
 * out of order changes nothing.
 *
 * The idea is the escrow of O'Neil (TODS 1986) with the counters of Balegas et al. (SRDS 2015).
 */
export interface Rights {
  /** Names the life of these sums. When the hub has written a slice off, the sums begin anew under a higher one. */
  readonly epoch: number;
  readonly granted: Amounts;
  readonly returned: Amounts;
}

/** Before the hub was ever asked. */
export const noRights: Rights = { epoch: 0, granted: noAmounts, returned: noAmounts };

/** The slice: what the cluster may use in all. Never negative. */
export function sliceOf({ granted, returned }: Rights): Amounts {
  return differenceOf(granted, returned);
}

/** What the two sides know together. Of two epochs the later one counts alone. */
export function mergeRights(a: Rights, b: Rights): Rights {
  if (a.epoch !== b.epoch) return a.epoch > b.epoch ? a : b;
  return { epoch: a.epoch, granted: maxOf(a.granted, b.granted), returned: maxOf(a.returned, b.returned) };
}

export function grantMore(rights: Rights, amounts: Amounts): Rights {
  return { ...rights, granted: sumOf(rights.granted, amounts) };
}

export function giveBack(rights: Rights, amounts: Amounts): Rights {
  return { ...rights, returned: sumOf(rights.returned, amounts) };
}
