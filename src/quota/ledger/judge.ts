import type { Quantity } from '../../api/quantity.ts';
import type { ResourceList } from '../../usage/index.ts';
import { addInto, amountsOf, differenceOf, noAmounts, quantityOf, type Amounts } from './amounts.ts';
import type { Charge } from './charge.ts';
import { takenOf, type Draft, type Increment } from './draft.ts';
import type { QuotaTerms } from './terms.ts';
import type { Exceeded, ExceededCause, NearLimit, Verdict } from './verdict.ts';

/** A charge that is to take the place of another. */
export interface Proposal {
  readonly before: Charge | undefined;
  /** As it is known to be without the request; the way there is booked without a question. */
  readonly seen: Charge;
  readonly after: Charge;
  readonly place: { readonly cluster: string; readonly namespace: string };
  /** As it was asked for: its formats go into messages. */
  readonly usage: ResourceList;
  /** Nothing is refused. */
  readonly unchecked: boolean;
  /** By quota, what of it counts as free although it is held. */
  readonly spare?: ReadonlyMap<string, Amounts> | undefined;
}

/** Whether what the request adds fits into every quota, in whole, in its cluster and in its namespace. Changes nothing. */
export function judge(draft: Draft, { before, seen, after, place, usage, unchecked, spare }: Proposal): Verdict {
  const booked = new Map(draft.increments(before, seen).map((each) => [each.quota, growthOf(each)]));
  for (const [quota, amounts] of spare ?? []) booked.set(quota, differenceOf(booked.get(quota) ?? noAmounts, amounts));
  const exceeded: Exceeded[] = [];
  const nearLimits: NearLimit[] = [];
  for (const increment of draft.increments(seen, after)) {
    const terms = draft.quota(increment.quota)?.terms;
    if (terms === undefined) continue;
    const growth = growthOf(increment);
    const limits = limitsOf(terms, place);
    for (const { cause, limit, at } of limits) {
      if (limit === undefined) continue;
      const balance = draft.balance({ quota: terms.id, ...at });
      const more = booked.get(terms.id) ?? noAmounts;
      const over = namesOver(limit, [balance.used, balance.reserved, more], growth);
      if (over.length === 0) continue;
      const taken = new Map(takenOf(balance));
      addInto(taken, more);
      exceeded.push(describe(terms, { cause, limit, taken, growth, usage, over }));
    }
    const near = nearLimit(draft, terms, growth, booked.get(terms.id) ?? noAmounts);
    if (near !== undefined) nearLimits.push(near);
  }
  const refusals = unchecked ? [] : exceeded.filter(({ mode }) => mode === 'enforce');
  const overruns = unchecked ? exceeded : exceeded.filter(({ mode }) => mode !== 'enforce');
  const allowed = refusals.length === 0;
  return { allowed, charged: allowed, refusals, overruns, nearLimits: allowed ? nearLimits : [] };
}

interface Limit {
  readonly cause: ExceededCause;
  readonly limit: ResourceList | undefined;
  readonly at: { readonly cluster: string; readonly namespace: string };
}

function limitsOf({ hard, perCluster, perNamespace }: QuotaTerms, { cluster, namespace }: Proposal['place']): Limit[] {
  return [
    { cause: 'hard', limit: hard, at: { cluster: '', namespace: '' } },
    { cause: 'perCluster', limit: perCluster, at: { cluster, namespace: '' } },
    { cause: 'perNamespace', limit: perNamespace, at: { cluster, namespace } },
  ];
}

/** What is added to used and reserved together; a decrease is nothing, as a charge cannot fall by asking. */
function growthOf({ used, reserved }: Increment): Amounts {
  if (used.size === 0) return reserved;
  const growth = new Map(used);
  addInto(growth, reserved);
  return growth;
}

/** Only what grows is held against its limit: a request that adds nothing passes whatever is used already. */
function namesOver(limit: ResourceList, taken: readonly Amounts[], growth: Amounts): string[] {
  const over: string[] = [];
  for (const [name, added] of growth) {
    const most = limit.get(name);
    if (added <= 0n || most === undefined) continue;
    if (taken.reduce((sum, each) => sum + (each.get(name) ?? 0n), added) > most.nano()) over.push(name);
  }
  return over.length > 1 ? over.sort() : over;
}

interface Overrun {
  readonly cause: ExceededCause;
  readonly limit: ResourceList;
  readonly taken: Amounts;
  readonly growth: Amounts;
  readonly usage: ResourceList;
  readonly over: readonly string[];
}

function describe({ id, name, mode }: QuotaTerms, { cause, limit, taken, growth, usage, over }: Overrun): Exceeded {
  const list = (amountOf: (name: string) => Quantity): ResourceList =>
    new Map(over.map((each) => [each, amountOf(each)]));
  return {
    quota: id,
    name,
    mode,
    cause,
    requested: list((each) => quantityOf(growth.get(each) ?? 0n, usage.get(each)?.format)),
    used: list((each) => quantityOf(taken.get(each) ?? 0n, limit.get(each)?.format)),
    limited: new Map([...limit].filter(([each]) => over.includes(each))),
    byCluster: [],
    byNamespace: [],
  };
}

function nearLimit(draft: Draft, terms: QuotaTerms, growth: Amounts, booked: Amounts): NearLimit | undefined {
  const { id, name, hard, warnAtPercent } = terms;
  if (warnAtPercent === undefined) return undefined;
  const taken = new Map(takenOf(draft.balance({ quota: id, cluster: '', namespace: '' })));
  addInto(taken, booked);
  addInto(taken, growth);
  const limits = amountsOf(hard);
  const near = [...growth.keys()].filter((each) => {
    const limit = limits.get(each);
    // In hundredths of the limit, without rounding.
    return limit !== undefined && (taken.get(each) ?? 0n) * 100n >= limit * BigInt(Math.round(warnAtPercent));
  });
  if (near.length === 0) return undefined;
  near.sort();
  return {
    quota: id,
    name,
    used: new Map(near.map((each) => [each, quantityOf(taken.get(each) ?? 0n, hard.get(each)?.format)])),
    limited: new Map([...hard].filter(([each]) => near.includes(each))),
  };
}
