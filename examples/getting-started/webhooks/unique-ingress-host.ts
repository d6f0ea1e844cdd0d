import { allow, defineValidator, deny } from 'sallyport';

/**
 * One host, one Ingress. The other Ingresses come from a watched cache: two that are created within the same moment may
 * both pass, as with any check that an admission webhook makes against other objects.
 */
export const uniqueIngressHost = defineValidator({
  name: 'unique-ingress-host.example.com',
  resource: 'ingresses.networking.k8s.io/v1',
  operations: ['CREATE', 'UPDATE'],
  reads: ['ingresses.networking.k8s.io/v1'],
  handler({ object: ingress, name, namespace }, { lister }) {
    const wanted = new Set(ingress.spec?.rules?.map(({ host }) => host).filter((host) => host !== undefined));
    for (const other of lister('ingresses.networking.k8s.io/v1').list()) {
      if (other.metadata?.name === name && other.metadata.namespace === namespace) continue;
      const claimed = other.spec?.rules?.find(({ host }) => host !== undefined && wanted.has(host));
      if (claimed === undefined) continue;
      return deny(
        `host ${claimed.host} is already claimed by Ingress ${other.metadata?.namespace}/${other.metadata?.name}`,
        {
          reason: 'Conflict',
        },
      );
    }
    return allow();
  },
});
