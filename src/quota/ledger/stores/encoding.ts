import { Quantity, type QuantityFormat } from '../../../api/quantity.ts';
import type { ResourceList } from '../../../usage/index.ts';
import type { Amounts } from '../amounts.ts';
import type { Charge, ChargeKey, ObservedUsage, PendingUsage } from '../charge.ts';
import type { QuotaMode, QuotaTerms } from '../terms.ts';

/*
 * How stores write what they do not look into: JSON texts with every number as a decimal text, so that nothing is lost
 * whatever its size. Amounts are in 10^-9 units.
 */

export function encodeAmounts(amounts: Amounts): string {
  return amountsText(amounts);
}

export function decodeAmounts(text: string): Amounts {
  // Written by encodeAmounts.
  return amountsFrom(JSON.parse(text) as AmountsBody);
}

/** A charge without its key, namespace, name and release, which are columns of their own. */
export function encodeCharge({ origin, observed, pending }: Charge): string {
  const seen = observed === null ? '' : `"s":["${observed.resourceVersion}",${usageText(observed)}],`;
  const open = pending.map(
    (each) =>
      `["${each.base}",${usageText(each)},${JSON.stringify(each.attempt)},${JSON.stringify(each.stamp)},${each.reservedAt}]`,
  );
  return `{"o":${origin === 'discovered' ? 1 : 0},${seen}"p":[${open.join()}]}`;
}

export interface ChargeColumns {
  readonly key: ChargeKey;
  readonly namespace: string;
  readonly name: string;
  readonly released: Charge['released'];
  readonly body: string;
}

export function decodeCharge({ body, ...columns }: ChargeColumns): Charge {
  // Written by encodeCharge.
  const { o, s, p } = JSON.parse(body) as ChargeBody;
  return {
    ...columns,
    origin: o === 1 ? 'discovered' : 'reserved',
    observed: s === undefined ? null : observedFrom(s),
    pending: p.map(pendingFrom),
  };
}

export function encodeTerms(terms: QuotaTerms): string {
  const { hard, perCluster, perNamespace, ...rest } = terms;
  return JSON.stringify({
    ...rest,
    hard: listBody(hard),
    ...(perCluster !== undefined && { perCluster: listBody(perCluster) }),
    ...(perNamespace !== undefined && { perNamespace: listBody(perNamespace) }),
  });
}

export function decodeTerms(text: string): QuotaTerms {
  // Written by encodeTerms.
  const { hard, perCluster, perNamespace, ...rest } = JSON.parse(text) as TermsBody;
  return {
    ...rest,
    hard: listFrom(hard),
    ...(perCluster !== undefined && { perCluster: listFrom(perCluster) }),
    ...(perNamespace !== undefined && { perNamespace: listFrom(perNamespace) }),
  };
}

interface AmountsBody {
  readonly [name: string]: string;
}

type UsageBody = [amounts: AmountsBody, quotas: readonly string[]];

interface ChargeBody {
  readonly o: 0 | 1;
  readonly s?: [resourceVersion: string, ...UsageBody];
  readonly p: readonly [base: string, ...UsageBody, attempt: string | null, stamp: string, reservedAt: number][];
}

interface ListBody {
  readonly [name: string]: readonly [nano: string, format: QuantityFormat];
}

interface TermsBody {
  readonly id: string;
  readonly name: string;
  readonly generation: number;
  readonly mode: QuotaMode;
  readonly warnAtPercent?: number;
  readonly hard: ListBody;
  readonly perCluster?: ListBody;
  readonly perNamespace?: ListBody;
}

/** Written by hand: an object with names that differ from charge to charge costs V8 several times as much. */
function amountsText(amounts: Amounts): string {
  let text = '';
  for (const [name, amount] of amounts) text += `${text === '' ? '' : ','}${JSON.stringify(name)}:"${amount}"`;
  return `{${text}}`;
}

function amountsFrom(body: AmountsBody): Amounts {
  const amounts = new Map<string, bigint>();
  for (const name in body) amounts.set(name, BigInt(body[name] ?? ''));
  return amounts;
}

/** A {@link UsageBody} without its brackets. */
function usageText({ amounts, quotas }: { readonly amounts: Amounts; readonly quotas: readonly string[] }): string {
  return `${amountsText(amounts)},${JSON.stringify(quotas)}`;
}

function observedFrom([resourceVersion, amounts, quotas]: NonNullable<ChargeBody['s']>): ObservedUsage {
  return { resourceVersion: BigInt(resourceVersion), amounts: amountsFrom(amounts), quotas };
}

function pendingFrom([base, amounts, quotas, attempt, stamp, reservedAt]: ChargeBody['p'][number]): PendingUsage {
  return { base: BigInt(base), amounts: amountsFrom(amounts), quotas, attempt, stamp, reservedAt };
}

/** With its format; the canonical text would lose what is beyond 10^21. */
function listBody(list: ResourceList): ListBody {
  return Object.fromEntries([...list].map(([name, quantity]) => [name, [String(quantity.nano()), quantity.format]]));
}

function listFrom(body: ListBody): ResourceList {
  return new Map(Object.entries(body).map(([name, [nano, format]]) => [name, Quantity.ofNano(BigInt(nano), format)]));
}
