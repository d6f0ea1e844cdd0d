import type { WebhookRegistry } from '../admission/index.ts';
import { parseResourceName } from '../api/resource-name.ts';
import type { GateConfiguration } from './gate-configuration.ts';
import { guardNamespaceRules, guardRules } from './guard-manifests.ts';
import { accountWith, type Identity, type Manifest } from './manifest-parts.ts';
import { quotaRegisteringRules, quotaServingRules } from './quota-manifests.ts';

/**
 * What the identity that serves may do: read what the webhooks declare in `reads`, its Secret, and the configurations whose
 * CA bundle its certificate has to fit. It writes nothing, unless it guards Pods: see {@link guardRules}.
 */
export function servingRights(
  configuration: GateConfiguration,
  registry: WebhookRegistry,
  identity: Identity,
): Manifest[] {
  const cluster = [
    { ...configurations, resourceNames: [configuration.registration.name], verbs: ['get', 'list', 'watch'] },
    ...readRules(registry),
    ...guardRules(configuration),
    ...quotaServingRules(configuration.quota),
  ];
  return accountWith(identity, {
    cluster,
    namespace: [...secretRules(configuration, ['get', 'list', 'watch'], []), ...guardNamespaceRules(configuration)],
  });
}

/** What the identity that registers may do: the configurations of our name, our Secret, and nothing with what handlers read. */
export function registeringRights(configuration: GateConfiguration, identity: Identity): Manifest[] {
  const cluster = [
    // Creating by server-side apply is a patch of the named object, and needs `create` beside it, which knows no names.
    { ...configurations, verbs: ['create'] },
    {
      ...configurations,
      resourceNames: [configuration.registration.name],
      verbs: ['get', 'list', 'watch', 'patch', 'delete'],
    },
    // The owner of the configurations.
    { apiGroups: [''], resources: ['namespaces'], resourceNames: [identity.namespace], verbs: ['get'] },
    ...quotaRegisteringRules(configuration.quota),
  ];
  const namespace = secretRules(configuration, ['get', 'list', 'watch', 'update'], ['create']);
  return accountWith(identity, { cluster, namespace });
}

const configurations = {
  apiGroups: ['admissionregistration.k8s.io'],
  resources: ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'],
};

/** Nobody but us writes an authority of ours; what cert-manager issues is read only. */
function secretRules(
  { certificates }: GateConfiguration,
  ownVerbs: readonly string[],
  unnamedVerbs: readonly string[],
): object[] {
  if (certificates.mode === 'Files') return [];
  const secrets = { apiGroups: [''], resources: ['secrets'] };
  const named = { ...secrets, resourceNames: [certificates.secretName] };
  if (certificates.mode === 'CertManager') return [{ ...named, verbs: ['get', 'list', 'watch'] }];
  return [...(unnamedVerbs.length > 0 ? [{ ...secrets, verbs: unnamedVerbs }] : []), { ...named, verbs: ownVerbs }];
}

function readRules(registry: WebhookRegistry): object[] {
  const resourcesOf = new Map<string, Set<string>>();
  for (const { reads } of registry) {
    for (const read of reads) {
      const parsed = parseResourceName(read);
      if ('problem' in parsed) continue;
      resourcesOf.set(parsed.group, (resourcesOf.get(parsed.group) ?? new Set()).add(parsed.resource));
    }
  }
  return [...resourcesOf].map(([group, resources]) => ({
    apiGroups: [group],
    resources: [...resources].sort(),
    verbs: ['list', 'watch'],
  }));
}
