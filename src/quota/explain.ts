import type { Pod } from '../api/generated/core.v1.ts';
import type { ResourceClaim } from '../api/generated/resource.v1.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import { formatGroupResource } from '../api/resource.ts';
import { Quantity } from '../api/quantity.ts';
import { isJsonObject } from '../json/json-value.ts';
import { defaultDeviceRequests, defaultPodLevelResources, defaultPodRequests } from '../usage/index.ts';
import type { GroupResource, ResourceList } from '../usage/index.ts';
import { count, evaluatorAt, type CountedObject } from './counting.ts';
import type { GlobalQuota } from './global-quota.ts';
import { pods } from './hard-names.ts';
import { exceededMessage } from './messages.ts';
import type { Verdict } from './ledger/index.ts';

export interface ExplainOptions {
  readonly object: KubernetesObject;
  readonly resource: GroupResource;
  readonly namespace: string;
  /** Those that select the namespace. */
  readonly quotas: readonly GlobalQuota[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** A dry run against the ledger. */
  readonly ask: (question: {
    readonly usage: ResourceList;
    readonly quotas: readonly string[];
    readonly groupResource: string;
  }) => Promise<Verdict>;
}

/** What quotas make of an object, or of all the Pods that a workload asks for together. */
export interface ObjectExplanation {
  /** `pods shop/web-0`, `3 pods of deployments.apps shop/web`. */
  readonly what: string;
  /** Names of the quotas that count it; none: it is not counted. */
  readonly quotas: readonly string[];
  readonly usage: ResourceList;
  readonly allowed: boolean;
  /** Why it does not fit, or what would be warned of. */
  readonly messages: readonly string[];
}

/** An object with all that is counted for it: a workload counts itself, and its Pods. */
export async function explainObject(options: ExplainOptions): Promise<ObjectExplanation[]> {
  const { object, resource, namespace } = options;
  const name = object.metadata?.name ?? object.metadata?.generateName ?? '';
  const what = `${formatGroupResource(resource)} ${namespace}/${name}`;
  const own = await explainOne(options, resource, object, 1n, what);
  const template = podsOf(object);
  if (template === undefined) return [own];
  const ofPods = `${template.replicas} pods of ${what}`;
  return [own, await explainOne(options, pods, template.pod, template.replicas, ofPods)];
}

async function explainOne(
  { namespace, quotas, now, ask }: ExplainOptions,
  resource: GroupResource,
  object: KubernetesObject,
  times: bigint,
  what: string,
): Promise<ObjectExplanation> {
  const counted = countOne(resource, namespace, object, now, quotas);
  const usage = new Map(
    [...counted.usage].map(([name, each]) => [name, Quantity.ofNano(each.nano() * times, each.format)]),
  );
  const names = counted.quotas.map(({ name }) => name);
  if (names.length === 0 || times === 0n) return { what, quotas: names, usage, allowed: true, messages: [] };
  const groupResource = formatGroupResource(resource);
  const { allowed, refusals, overruns } = await ask({
    usage,
    quotas: counted.quotas.map(({ id }) => id),
    groupResource,
  });
  return { what, quotas: names, usage, allowed, messages: [...refusals, ...overruns].map(exceededMessage) };
}

/** Manifests have not been through the API server, which fills in what counts. */
function countOne(
  resource: GroupResource,
  namespace: string,
  object: KubernetesObject,
  now: number,
  quotas: readonly GlobalQuota[],
): CountedObject {
  const nobody = { deviceClasses: () => [], podsOf: () => [], resourceClaimsOf: () => [] };
  const evaluator = evaluatorAt(resource, namespace, now, nobody);
  if (evaluator === undefined) return { quotas: [], usage: new Map() };
  return count(evaluator, defaulted(resource, object), quotas);
}

/** The resource says of which kind the object is; its fields are checked as they are read. */
function defaulted({ group, resource }: GroupResource, object: KubernetesObject): KubernetesObject {
  if (group === '' && resource === 'pods') return defaultPodLevelResources(defaultPodRequests(object as Pod));
  if (group === 'resource.k8s.io' && resource === 'resourceclaims')
    return defaultDeviceRequests(object as ResourceClaim);
  return object;
}

/** The Pods that a workload makes: `spec.template`, as often as it says. */
function podsOf(object: KubernetesObject): { readonly pod: KubernetesObject; readonly replicas: bigint } | undefined {
  const spec = 'spec' in object && isJsonObject(object.spec) ? object.spec : {};
  const { template } = spec;
  if (!isJsonObject(template)) return undefined;
  const often = spec['replicas'] ?? spec['parallelism'] ?? 1;
  const replicas = typeof often === 'number' && Number.isInteger(often) && often >= 0 ? BigInt(often) : 1n;
  return { pod: { apiVersion: 'v1', kind: 'Pod', ...template }, replicas };
}
