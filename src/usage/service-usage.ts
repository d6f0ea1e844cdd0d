import type { Service } from '../api/generated/core.v1.ts';
import { Quantity } from '../api/quantity.ts';
import { noScopes, nothingMissing, type Evaluator } from './evaluator.ts';
import { integerAt, listAt } from './object-fields.ts';
import type { ResourceList } from './resource-list.ts';

const names: ReadonlySet<string> = new Set([
  'count/services',
  'services',
  'services.nodeports',
  'services.loadbalancers',
]);

/**
 * What a Service counts: itself, a load balancer, and a node port for each port of a NodePort or LoadBalancer Service.
 * With `allocateLoadBalancerNodePorts: false` only ports count that name a node port.
 *
 * On update, the API server copies node ports from the old Service before it counts; give this the result of that.
 * Throws {@link UncountableObjectError}. Source: k8s.io/kubernetes v1.37.2 pkg/quota/v1/evaluator/core/services.go.
 */
export function serviceUsage(service: Service): ResourceList {
  const { type, allocateLoadBalancerNodePorts } = service.spec ?? {};
  const ports = listAt(service.spec?.ports, 'spec.ports');
  const named = ports.filter(({ nodePort }, index) => integerAt(nodePort, `spec.ports[${index}].nodePort`));
  const isLoadBalancer = type === 'LoadBalancer';
  const hasNodePorts = isLoadBalancer || type === 'NodePort';
  const nodePorts = isLoadBalancer && allocateLoadBalancerNodePorts === false ? named : ports;
  return new Map([
    ['count/services', Quantity.one],
    ['services', Quantity.one],
    ['services.nodeports', hasNodePorts ? Quantity.of(BigInt(nodePorts.length)) : Quantity.zero],
    ['services.loadbalancers', isLoadBalancer ? Quantity.one : Quantity.zero],
  ]);
}

export const serviceEvaluator: Evaluator = {
  ...noScopes,
  ...nothingMissing,
  handles: ({ operation, subresource }) => subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
  matchingResources: (given) => given.filter((name) => names.has(name)),
  usage: serviceUsage,
};
