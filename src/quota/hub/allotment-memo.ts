import { z } from 'zod';
import { isWithin, noAmounts, type Amounts } from '../ledger/amounts.ts';
import { sliceOf } from '../slices/rights.ts';
import { amountsSchema, rightsSchema, writeMessage } from '../slices/wire.ts';
import { emptyAllotment, type Allotment, type HeldSlice } from './allotment.ts';
import { HubMemoError } from './errors.ts';

const schema = z.strictObject({
  slices: z.record(
    z.string(),
    z.strictObject({ journal: z.string().nullable(), rights: rightsSchema, spent: amountsSchema.optional() }),
  ),
  retired: z.record(z.string(), z.array(z.strictObject({ journal: z.string(), amounts: amountsSchema }))),
});

/**
 * How a quota is shared out, as it stands beside its terms in the store. What a member has spent is left out as long as it is
 * within its slice: it changes nothing then, and every report would be a write.
 */
export function writeAllotment({ slices, retired }: Allotment): string {
  return writeMessage({
    slices: Object.fromEntries(
      [...slices].map(([cluster, slice]) => [
        cluster,
        { ...slice, spent: isSpentWithin(slice) ? undefined : slice.spent },
      ]),
    ),
    retired: Object.fromEntries(retired),
  });
}

/** Throws {@link HubMemoError} for a text that no hub wrote. */
export function readAllotment(quota: string, memo: string | null): Allotment {
  if (memo === null) return emptyAllotment;
  const parsed = schema.safeParse(parseJson(quota, memo));
  if (!parsed.success) throw new HubMemoError(quota, z.prettifyError(parsed.error));
  const { slices, retired } = parsed.data;
  return {
    slices: new Map(
      Object.entries(slices).map(([cluster, { spent, ...slice }]) => [
        cluster,
        { ...slice, spent: spent ?? noAmounts },
      ]),
    ),
    retired: new Map(Object.entries(retired)),
  };
}

/** With what is known of spending beside what was stored. */
export function withSpent(allotment: Allotment, spentBy: (cluster: string) => Amounts | undefined): Allotment {
  const slices = new Map(
    [...allotment.slices].map(([cluster, slice]): [string, HeldSlice] => {
      const spent = spentBy(cluster);
      // What was stored is beyond the slice, and holds until the member says otherwise.
      return [cluster, spent === undefined || !isSpentWithin(slice) ? slice : { ...slice, spent }];
    }),
  );
  return { ...allotment, slices };
}

function isSpentWithin({ rights, spent }: HeldSlice): boolean {
  return isWithin(spent, sliceOf(rights));
}

function parseJson(quota: string, memo: string): unknown {
  try {
    return JSON.parse(memo);
  } catch (cause) {
    throw new HubMemoError(quota, 'it is not JSON', { cause });
  }
}
