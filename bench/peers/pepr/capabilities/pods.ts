import { a, Capability } from 'pepr';

export const Pods = new Capability({
  name: 'pods',
  description: 'The webhooks of bench/webhooks/pods.ts',
  namespaces: [],
});
const { When } = Pods;

const registry = 'registry.example.com/';

When(a.Pod)
  .IsCreated()
  .Mutate((request) => {
    request.SetLabel('team', 'unknown');
    for (const container of request.Raw.spec?.containers ?? []) {
      container.resources ??= {};
      container.resources.requests ??= { cpu: '100m', memory: '128Mi' };
      container.resources.limits ??= { cpu: '500m', memory: '256Mi' };
    }
  });

When(a.Pod)
  .IsCreated()
  .Validate((request) => {
    for (const container of request.Raw.spec?.containers ?? []) {
      if (!container.image?.startsWith(registry)) {
        return request.Deny(`container ${container.name}: its image is not from ${registry}`);
      }
    }
    return request.Approve();
  });
