import { z } from 'zod';
import { quantityOf, type Amounts } from '../ledger/amounts.ts';
import type { ResourceList } from '../../usage/index.ts';
import { parseResourceList } from '../../usage/index.ts';
import { SliceJournalError } from './errors.ts';
import { noRights, sliceOf, type Rights } from './rights.ts';
import { rightsSchema, writeMessage } from './wire.ts';

/** What a member keeps of its slice of one quota, beside the quota's terms in its own ledger and written together with them. */
export interface SliceJournal {
  /** Made once, at random: tells the hub when the disk was lost and another journal begins. */
  readonly journal: string;
  readonly rights: Rights;
  /** The limit of the whole quota; the ledger's own terms hold the slice in its place. */
  readonly hard: ResourceList;
}

const schema = z.strictObject({ journal: z.string(), rights: rightsSchema, hard: z.record(z.string(), z.string()) });

export function newJournal(journal: string, hard: ResourceList): SliceJournal {
  return { journal, rights: noRights, hard };
}

export function writeJournal({ journal, rights, hard }: SliceJournal): string {
  return writeMessage({
    journal,
    rights,
    hard: Object.fromEntries([...hard].map(([name, q]) => [name, q.toString()])),
  });
}

/** Throws {@link SliceJournalError} for a text that no member wrote. */
export function readJournal(quota: string, memo: string): SliceJournal {
  let body: unknown;
  try {
    body = JSON.parse(memo);
  } catch (cause) {
    throw new SliceJournalError(quota, 'it is not JSON', { cause });
  }
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new SliceJournalError(quota, z.prettifyError(parsed.error));
  return { ...parsed.data, hard: parseResourceList(parsed.data.hard, 'hard') };
}

/** What the member's ledger has as the limit: the slice of everything that the quota limits, nothing where none was granted. */
export function sliceLimits({ rights, hard }: Pick<SliceJournal, 'rights' | 'hard'>): ResourceList {
  const slice = sliceOf(rights);
  return new Map([...hard].map(([name, { format }]) => [name, quantityOf(slice.get(name) ?? 0n, format)]));
}

/** What of a slice is not used, as far as `wanted` asks for it. */
export function idleWithin(slice: Amounts, spent: Amounts, wanted: Amounts): Amounts {
  const idle = new Map<string, bigint>();
  for (const [name, want] of wanted) {
    const free = (slice.get(name) ?? 0n) - (spent.get(name) ?? 0n);
    const given = free < want ? free : want;
    if (given > 0n) idle.set(name, given);
  }
  return idle;
}

/** Half of what was idle for a while, in whole units where it consists of whole units. */
export function halfOf(amounts: Amounts): Amounts {
  return new Map([...amounts].map(([name, amount]) => [name, halve(amount)]));
}

const wholeUnit = 1_000_000_000n;

function halve(amount: bigint): bigint {
  const step = amount % wholeUnit === 0n ? wholeUnit : 1n;
  return ((amount / step + 1n) / 2n) * step;
}
