import type { WebhookDefinition, WebhookRegistry } from '../admission/index.ts';
import { operations } from '../api/admission-review.ts';
import { builtinResources } from '../api/generated/resources.ts';
import type { GroupVersionResource } from '../api/resource.ts';
import type { RuleWithOperations } from '../api/webhook-configuration.ts';
import { matchesRule } from '../chain/match/rules.ts';

export interface HazardOptions {
  /** Where the gate itself runs; undefined outside a cluster. */
  readonly ownNamespace: string | undefined;
  readonly excludedNamespaces: readonly string[];
}

/** Resources that the control plane must be able to write while the gate is down. */
const vital: ReadonlyArray<{
  readonly resource: GroupVersionResource;
  readonly subresources: readonly string[];
  readonly namespace: string;
  readonly why: string;
}> = [
  {
    resource: { group: 'coordination.k8s.io', version: 'v1', resource: 'leases' },
    subresources: [''],
    namespace: 'kube-node-lease',
    why: 'leases: nodes and leaders are given up when they cannot renew theirs',
  },
  {
    resource: { group: '', version: 'v1', resource: 'nodes' },
    // Kubelets write the second one all the time.
    subresources: ['', 'status'],
    namespace: '',
    why: 'nodes: no node could join or report its state',
  },
];

/**
 * What could go wrong with these webhooks while nobody answers them: one sentence for each webhook with
 * `failurePolicy: Fail` that catches leases, nodes, kube-system or the gate's own namespace. Empty when nothing can.
 *
 * Selectors and conditions of the user are not weighed: they may change with a label.
 */
export function findHazards(registry: WebhookRegistry, options: HazardOptions): string[] {
  return [...registry]
    .filter(({ failurePolicy }) => failurePolicy === 'Fail')
    .flatMap((definition) => [...vitalResources(definition, options), ...vitalNamespaces(definition, options)])
    .map(({ name, why }) => `${name} has failurePolicy Fail and catches ${why}`);
}

interface Hazard {
  readonly name: string;
  readonly why: string;
}

function vitalResources(definition: WebhookDefinition, { excludedNamespaces }: HazardOptions): Hazard[] {
  return vital
    .filter(
      ({ resource, subresources, namespace }) =>
        !excludedNamespaces.includes(namespace) &&
        subresources.some((subresource) => catches(definition, resource, subresource, namespace)),
    )
    .map(({ why }) => ({ name: definition.name, why }));
}

function vitalNamespaces(definition: WebhookDefinition, { ownNamespace, excludedNamespaces }: HazardOptions): Hazard[] {
  if (!definition.rules.some(catchesNamespaced)) return [];
  return [
    { namespace: 'kube-system', why: 'objects in kube-system: the control plane could not repair itself' },
    { namespace: ownNamespace, why: `objects in its own namespace ${ownNamespace}: the gate could not start again` },
  ].flatMap(({ namespace, why }) =>
    namespace === undefined || excludedNamespaces.includes(namespace) ? [] : [{ name: definition.name, why }],
  );
}

/** Resources that the table does not know are custom ones; those may be namespaced. */
function catchesNamespaced({ scope, resources, apiGroups }: Readonly<RuleWithOperations>): boolean {
  if (scope === 'Cluster') return false;
  return resources.some((text) => {
    const [resource = ''] = text.split('/');
    const known = builtinResources.filter((info) => info.resource === resource && apiGroups.includes(info.group));
    return known.length === 0 || known.some(({ namespaced }) => namespaced);
  });
}

function catches(
  definition: WebhookDefinition,
  resource: GroupVersionResource,
  subresource: string,
  namespace: string,
): boolean {
  return definition.rules.some((rule) =>
    operations.some((operation) => matchesRule(rule, { operation, resource, subresource, namespace })),
  );
}
