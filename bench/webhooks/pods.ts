import { defineMutator, defineValidator, deny } from 'sallyport';

const registry = 'registry.example.com/';

/** The work that all subjects of the benchmarks do, as a user of Sallyport writes it. */
export const defaultPods = defineMutator({
  name: 'defaults.bench.example.com',
  path: '/mutate',
  resource: 'pods/v1',
  operations: ['CREATE'],
  handler({ object: pod }) {
    pod.metadata ??= {};
    pod.metadata.labels = { ...pod.metadata.labels, team: 'unknown' };
    for (const container of pod.spec?.containers ?? []) {
      container.resources ??= {};
      container.resources.requests ??= { cpu: '100m', memory: '128Mi' };
      container.resources.limits ??= { cpu: '500m', memory: '256Mi' };
    }
  },
});

export const trustedRegistry = defineValidator({
  name: 'registry.bench.example.com',
  path: '/validate',
  resource: 'pods/v1',
  operations: ['CREATE'],
  handler({ object: pod }) {
    for (const { name, image } of pod.spec?.containers ?? []) {
      if (image?.startsWith(registry) !== true) return deny(`container ${name}: its image is not from ${registry}`);
    }
    return undefined;
  },
});
