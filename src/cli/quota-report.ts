import { Quantity } from '../api/quantity.ts';
import type { NamedStanding } from '../app/quota-desk.ts';
import type { ChargeSummary, ObjectExplanation, QuotaShares } from '../quota/index.ts';
import type { ResourceList } from '../usage/index.ts';
import { formatResourceList, maskList, sortedNames } from '../usage/resource-list.ts';
import { table, type Row } from './table.ts';

/** One line for each resource of each quota. */
export function standingRows(standings: readonly NamedStanding[]): Row[] {
  const rows = standings.flatMap((standing) => {
    const { name, mode } = standing.terms;
    return resourceRows(standing).map((row, index) => [index === 0 ? name : '', index === 0 ? mode : '', ...row]);
  });
  return [['QUOTA', 'MODE', 'RESOURCE', 'USED', 'RESERVED', 'HARD', ''], ...rows];
}

function resourceRows({ terms, used, reserved, debt }: NamedStanding): Row[] {
  return sortedNames(terms.hard.keys()).map((resource) => {
    const [hard, use, held] = [terms.hard, used, reserved].map((list) => list.get(resource) ?? Quantity.zero);
    const beyond = debt.get(resource);
    const percent =
      hard?.isZero() === false && use && held ? ((use.nano() + held.nano()) * 100n) / hard.nano() : undefined;
    const state = beyond === undefined ? (percent === undefined ? '' : `${percent} %`) : `${String(beyond)} too much`;
    return [resource, String(use), String(held), String(hard), state];
  });
}

/** All of one quota, for a person. */
export function standingLines(standing: NamedStanding): string {
  const { terms, byCluster, byNamespace, clusterName } = standing;
  const names = [...terms.hard.keys()];
  const using = (lists: { used: ResourceList; reserved: ResourceList }): string[] =>
    sortedNames(names).map((name) => {
      const [use, held] = [lists.used.get(name), lists.reserved.get(name)];
      return `${String(use ?? 0)}${held === undefined || held.isZero() ? '' : ` (+${String(held)})`}`;
    });
  const ceilings = [
    ...ceilingLines('any one cluster', terms.perCluster),
    ...ceilingLines('any one namespace', terms.perNamespace),
  ];
  const header = sortedNames(names);
  const clusters = [...byCluster]
    .map(([id, use]): Row => [clusterName(id), ...using(use)])
    .sort(([left = ''], [right = '']) => (left < right ? -1 : 1));
  const namespaces = byNamespace
    .map((place): Row => [`${clusterName(place.cluster)}/${place.namespace}`, ...using(place)])
    .sort(([left = ''], [right = '']) => (left < right ? -1 : 1));
  return [
    `${terms.name}, mode ${terms.mode}\n`,
    ...ceilings,
    '\n',
    table([['RESOURCE', 'USED', 'RESERVED', 'HARD', ''], ...resourceRows(standing)]),
    '\n',
    table([['CLUSTER', ...header], ...clusters]),
    '\n',
    table([['NAMESPACE', ...header], ...namespaces]),
  ].join('');
}

function ceilingLines(whose: string, list: ResourceList | undefined): string[] {
  if (list === undefined) return [];
  const limits = sortedNames(list.keys()).map((name) => `${name}=${String(list.get(name))}`);
  return [`at most for ${whose}: ${limits.join(', ')}\n`];
}

export function standingJson(standing: NamedStanding): object {
  const { terms, used, reserved, debt, byCluster, byNamespace, clusterName } = standing;
  const names = [...terms.hard.keys()];
  const body = (lists: { readonly used: ResourceList; readonly reserved: ResourceList }): object => ({
    used: formatResourceList(maskList(lists.used, names)),
    reserved: formatResourceList(maskList(lists.reserved, names)),
  });
  return {
    name: terms.name,
    id: terms.id,
    mode: terms.mode,
    hard: formatResourceList(terms.hard),
    ...(terms.perCluster !== undefined && { perCluster: formatResourceList(terms.perCluster) }),
    ...(terms.perNamespace !== undefined && { perNamespace: formatResourceList(terms.perNamespace) }),
    ...body({ used, reserved }),
    debt: formatResourceList(debt),
    clusters: [...byCluster].map(([id, lists]) => ({ name: clusterName(id), ...body(lists) })),
    namespaces: byNamespace.map((place) => ({
      cluster: clusterName(place.cluster),
      name: place.namespace,
      ...body(place),
    })),
  };
}

/** How a hub shares one quota out, for a person. What is free is negative where it is in debt. */
export function sharesLines({ name, hard, pool, clusters }: QuotaShares): string {
  const names = sortedNames(hard.keys());
  const texts = (amounts: ReadonlyMap<string, bigint>): string[] =>
    names.map((resource) => amountText(amounts, resource));
  const rows = clusters.flatMap((cluster): Row[] => [
    [cluster.name, ...texts(cluster.slice)],
    ...(cluster.retired.size > 0 ? [[`${cluster.name}, lost journals`, ...texts(cluster.retired)]] : []),
  ]);
  return [
    `${name}, as the hub shares it out\n\n`,
    table([
      ['RESOURCE', 'HARD', 'FREE'],
      ...names.map((resource): Row => [resource, amountText(hard, resource), amountText(pool, resource)]),
    ]),
    '\n',
    table([['HELD BY', ...names], ...rows.sort(([left = ''], [right = '']) => (left < right ? -1 : 1))]),
  ].join('');
}

export function sharesJson({ name, quota, hard, pool, clusters }: QuotaShares): object {
  const names = sortedNames(hard.keys());
  const body = (amounts: ReadonlyMap<string, bigint>): object =>
    Object.fromEntries(names.map((resource) => [resource, amountText(amounts, resource)]));
  return {
    name,
    id: quota,
    hard: body(hard),
    free: body(pool),
    clusters: clusters.map((cluster) => ({
      name: cluster.name,
      held: body(cluster.slice),
      heldByLostJournals: body(cluster.retired),
    })),
  };
}

function amountText(amounts: ReadonlyMap<string, bigint>, resource: string): string {
  return Quantity.ofNano(amounts.get(resource) ?? 0n).toString();
}

/** Objects that are charged to a quota, those that take most of its scarcest resource first. */
export function chargeRows(
  standing: NamedStanding,
  charges: readonly ChargeSummary[],
): { readonly json: object[]; readonly rows: Row[] } {
  const { terms, clusterName } = standing;
  const names = sortedNames(terms.hard.keys());
  const all = charges
    .map((charge) => {
      const lists = charge.quotas.get(terms.id);
      const [used, reserved] = [
        maskList(lists?.used ?? new Map(), names),
        maskList(lists?.reserved ?? new Map(), names),
      ];
      return { charge, used, reserved, share: largestShare(terms.hard, used, reserved) };
    })
    .sort((left, right) => right.share - left.share);
  const rows = all.map(({ charge: { key, namespace, name, state }, used, reserved }): Row => {
    const amounts = names.map((resource) =>
      String((used.get(resource) ?? Quantity.zero).add(reserved.get(resource) ?? Quantity.zero)),
    );
    return [clusterName(key.cluster), namespace, `${key.resource}/${name}`, state, ...amounts];
  });
  return {
    json: all.map(({ charge: { key, namespace, name, state }, used, reserved }) => ({
      cluster: clusterName(key.cluster),
      resource: key.resource,
      namespace,
      name,
      uid: key.uid,
      state,
      used: formatResourceList(used),
      reserved: formatResourceList(reserved),
    })),
    rows: [['CLUSTER', 'NAMESPACE', 'OBJECT', 'STATE', ...names], ...rows],
  };
}

function largestShare(hard: ResourceList, used: ResourceList, reserved: ResourceList): number {
  const shares = [...hard].map(([name, limit]) => {
    const amount = (used.get(name)?.nano() ?? 0n) + (reserved.get(name)?.nano() ?? 0n);
    return limit.isZero() ? 0 : Number((amount * 1_000_000n) / limit.nano());
  });
  return Math.max(0, ...shares);
}

export function explanationRows(explained: readonly ObjectExplanation[]): {
  readonly json: object[];
  readonly rows: Row[];
} {
  const rows = explained.flatMap(({ what, quotas, usage, allowed, messages }): Row[] => {
    const verdict = quotas.length === 0 ? 'not counted' : allowed ? 'fits' : 'does not fit';
    const amounts = sortedNames(usage.keys()).map((name) => `${name}=${String(usage.get(name))}`);
    return [
      [what, verdict, quotas.join(', '), amounts.join(', ')],
      ...messages.map((message): Row => [`  ${message}`]),
    ];
  });
  return {
    json: explained.map(({ usage, ...rest }) => ({ ...rest, usage: formatResourceList(usage) })),
    rows: [['OBJECT', 'VERDICT', 'QUOTAS', 'TAKES'], ...rows],
  };
}
