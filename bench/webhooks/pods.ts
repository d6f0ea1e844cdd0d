import { defineMutator, defineValidator, deny, type Decision, type KubernetesResources } from 'sallyport';

type Pod = KubernetesResources['pods/v1'];

const registry = 'registry.example.com/';

/** The work that all subjects of the benchmarks do, as a user of Sallyport writes it. */
export function addDefaults(pod: Pod): void {
  pod.metadata ??= {};
  pod.metadata.labels = { ...pod.metadata.labels, team: 'unknown' };
  for (const container of pod.spec?.containers ?? []) {
    container.resources ??= {};
    container.resources.requests ??= { cpu: '100m', memory: '128Mi' };
    container.resources.limits ??= { cpu: '500m', memory: '256Mi' };
  }
}

export function requireTrustedRegistry(pod: Pod): Decision | undefined {
  for (const { name, image } of pod.spec?.containers ?? []) {
    if (image?.startsWith(registry) !== true) return deny(`container ${name}: its image is not from ${registry}`);
  }
  return undefined;
}

export const defaultPods = defineMutator({
  name: 'defaults.bench.example.com',
  path: '/mutate',
  resource: 'pods/v1',
  operations: ['CREATE'],
  handler: ({ object }) => addDefaults(object),
});

export const trustedRegistry = defineValidator({
  name: 'registry.bench.example.com',
  path: '/validate',
  resource: 'pods/v1',
  operations: ['CREATE'],
  handler: ({ object }) => requireTrustedRegistry(object),
});
