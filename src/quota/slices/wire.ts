import { z } from 'zod';
import { Quantity, QuantityError } from '../../api/quantity.ts';
import { quantityOf, type Amounts } from '../ledger/amounts.ts';

/*
 * What members and the hub say to each other, as JSON over HTTPS. A member speaks; the hub answers, and asks for idle slices in
 * the answer to a question that members keep open. Who speaks is told by the client certificate and stands in no message.
 */

/** One cluster's rights to one quota, as far as the speaker knows. See {@link Rights}. */
const amounts = z.record(z.string(), z.string()).transform((body, context): Amounts => {
  const parsed = new Map<string, bigint>();
  for (const [name, text] of Object.entries(body)) {
    const nano = parseNano(text);
    if (nano === undefined || nano < 0n) {
      context.addIssue({ code: 'custom', path: [name], message: 'expected a quantity that is not negative' });
    } else if (nano > 0n) parsed.set(name, nano);
  }
  return parsed;
});

const rights = z.strictObject({ epoch: z.int().min(0), granted: amounts, returned: amounts });

const report = z.strictObject({
  quota: z.string(),
  journal: z.string(),
  rights,
  /** Used and reserved. */
  spent: amounts,
  /** The same by namespace, where the member has it at hand. */
  namespaces: z.record(z.string(), amounts).optional(),
});

const need = z.strictObject({
  /** By quota: what one request needs beyond `spent`. All or nothing. */
  amounts: z.record(z.string(), amounts),
  /** Only asked, never granted. */
  dryRun: z.boolean(),
});

const syncRequest = z.strictObject({
  /** Id of the cluster: the uid of its namespace `kube-system`. */
  cluster: z.string(),
  reports: z.array(report),
  /** In the order in which they came. */
  needs: z.array(need),
  /** The recall that these reports answer. */
  recall: z.string().nullable(),
});

const quotaAnswer = z.strictObject({
  quota: z.string(),
  /** Whether the hub's words about rights are for the journal that asked; another one speaks for the cluster otherwise. */
  fenced: z.boolean(),
  rights,
  /** The quota's own limit, and what all clusters use of it as far as the hub has heard. */
  hard: amounts,
  used: amounts,
  clusters: z.array(z.strictObject({ name: z.string(), used: amounts, slice: amounts })),
  /** What the quota is in debt: give back what is not used. */
  owed: amounts,
});

const fit = z.enum([
  /** It was granted; with a dry run it would have been. */
  'fits',
  /** Neither the pool nor slices that others do not use have it. */
  'exceeded',
  /** The cluster has all that one cluster may have. */
  'at-ceiling',
]);

const syncAnswer = z.strictObject({
  /** How long the member may act on what it knows, from the moment it sent its question. */
  leaseMilliseconds: z.int().min(1),
  quotas: z.array(quotaAnswer),
  /** Quotas that the hub does not know, or does not hold itself to any more: nothing of them is granted. */
  unknown: z.array(z.string()),
  /** One for each need. */
  fits: z.array(fit),
  /** Clusters that hold a slice and did not answer when it was asked back. */
  silent: z.array(z.string()),
});

const watchRequest = z.strictObject({ cluster: z.string() });

const watchAnswer = z.strictObject({
  /** What to give back, as far as it is not used, and then to report under this id. */
  recall: z.strictObject({ id: z.string(), amounts: z.record(z.string(), amounts) }).nullable(),
});

export type SyncRequest = Readonly<z.output<typeof syncRequest>>;
export type SyncAnswer = Readonly<z.output<typeof syncAnswer>>;
export type QuotaAnswer = Readonly<z.output<typeof quotaAnswer>>;
export type WatchRequest = Readonly<z.output<typeof watchRequest>>;
export type WatchAnswer = Readonly<z.output<typeof watchAnswer>>;
export type Report = Readonly<z.output<typeof report>>;
export type Need = Readonly<z.output<typeof need>>;
export type Fit = z.output<typeof fit>;

/** What a message is read with. */
export const messages = { syncRequest, syncAnswer, watchRequest, watchAnswer } as const;

/** Quantities by name, as messages and journals carry them; nothing is lost, down to 10^-9. */
export const amountsSchema = amounts;
export const rightsSchema = rights;

/** JSON text of a message or journal: amounts become objects of quantities. */
export function writeMessage(message: unknown): string {
  return JSON.stringify(message, (_, value: unknown) => (value instanceof Map ? bodyOf(value as Amounts) : value));
}

function bodyOf(amounts: Amounts): Record<string, string> {
  return Object.fromEntries([...amounts].map(([name, nano]) => [name, quantityOf(nano).toString()]));
}

function parseNano(text: string): bigint | undefined {
  try {
    return Quantity.parse(text).nano();
  } catch (error) {
    if (error instanceof QuantityError) return undefined;
    throw error;
  }
}
