import { defineMutator } from 'sallyport';

const defaults = {
  requests: { cpu: '100m', memory: '128Mi' },
  limits: { memory: '256Mi' },
};

/** Gives every container that names no request or limit the house defaults; what is named stays. */
export const defaultResources = defineMutator({
  name: 'default-resources.example.com',
  resource: 'pods',
  operations: ['CREATE'],
  handler({ object: pod }) {
    for (const container of [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]) {
      const { requests, limits } = container.resources ?? {};
      container.resources = {
        ...container.resources,
        // A limit that is named without a request is the request too, as the API server has it.
        requests: { ...defaults.requests, ...limits, ...requests },
        limits: { ...(requests?.['memory'] === undefined && defaults.limits), ...limits },
      };
    }
  },
});
