import type { ResourceList } from '../usage/index.ts';
import { sortedNames } from '../usage/resource-list.ts';
import type { Exceeded, NearLimit } from './ledger/index.ts';

/** More places than this nobody reads in an error message. */
const maxPlaces = 5;

/**
 * Why a write does not fit: first word for word what the ResourceQuota plug-in says, which users and controllers parse, then
 * who uses it.
 *
 *     exceeded quota: team-a, requested: pods=1, used: pods=20, limited: pods=20; pods in use: cluster eu-1 15, us-1 5;
 *     namespace eu-1/shop 15, us-1/web 5
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/plugin/resourcequota/controller.go, CheckRequest.
 */
export function exceededMessage(exceeded: Exceeded): string {
  const { name, requested, used, limited } = exceeded;
  const numbers = `requested: ${printList(requested)}, used: ${printList(used)}, limited: ${printList(limited)}`;
  return [`exceeded quota: ${name}, ${numbers}`, causeText(exceeded), ...usersOf(exceeded)]
    .filter((part) => part !== '')
    .join('; ');
}

function causeText({ cause, detail = '' }: Exceeded): string {
  switch (cause) {
    case 'hard':
      return detail;
    case 'perCluster':
      return 'limited is what any one cluster may have';
    case 'perNamespace':
      return 'limited is what any one namespace may have';
    case 'hub-unreachable':
      return `the hub cannot be reached, and this cluster's slice is used up${detail === '' ? '' : `: ${detail}`}`;
  }
}

/** For each resource that does not fit, the places that use most of it. */
function usersOf({ limited, byCluster, byNamespace }: Exceeded): string[] {
  return sortedNames(limited.keys()).flatMap((resource) => {
    const clusters = largest(
      resource,
      byCluster.map(({ clusterName, used }) => ({ place: clusterName, used })),
    );
    const namespaces = largest(
      resource,
      byNamespace.map(({ clusterName, namespace, used }) => ({ place: `${clusterName}/${namespace}`, used })),
    );
    // A member of a hub knows the clusters only.
    const places = [clusters && `cluster ${clusters}`, namespaces && `namespace ${namespaces}`].filter(Boolean);
    return places.length === 0 ? [] : [`${resource} in use: ${places.join(', ')}`];
  });
}

function largest(resource: string, places: readonly { readonly place: string; readonly used: ResourceList }[]): string {
  const using = places
    .flatMap(({ place, used }) => {
      const amount = used.get(resource);
      return amount === undefined || amount.isZero() ? [] : [{ place, amount }];
    })
    .sort((left, right) => right.amount.compare(left.amount) || (left.place < right.place ? -1 : 1));
  const named = using.slice(0, maxPlaces).map(({ place, amount }) => `${place} ${String(amount)}`);
  const others = using.length - named.length;
  return [named.join(', '), ...(others > 0 ? [`and ${others} more`] : [])].join(' ');
}

/** For a `Warning:` line, which is best short. */
export function nearLimitMessage({ name, used, limited }: NearLimit): string {
  const shares = sortedNames(limited.keys()).map((resource) => {
    const [amount, limit] = [used.get(resource), limited.get(resource)];
    const percent = amount === undefined || !limit?.nano() ? 100n : (amount.nano() * 100n) / limit.nano();
    return `${resource} at ${percent} % (${String(amount)} of ${String(limit)})`;
  });
  return `quota ${name} is filling up: ${shares.join(', ')}`;
}

/** `cpu=2,memory=1Gi`. Go: prettyPrint. */
function printList(list: ResourceList): string {
  return sortedNames(list.keys())
    .map((name) => `${name}=${String(list.get(name))}`)
    .join(',');
}
