import type { CustomResourceDefinition } from '../../../src/api/generated/apiextensions.v1.ts';
import type { KubernetesObject } from '../../../src/api/object-meta.ts';
import type { GroupVersionResource } from '../../../src/api/resource.ts';
import type {
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '../../../src/api/webhook-configuration.ts';

/** The group of the custom resources that scenarios use. */
export const goldenGroup = 'golden.sallyport.dev';

/** Versions of {@link widgets} in the order of the definition; v1 is stored. */
export const widgetVersions = ['v1', 'v1beta1', 'v1alpha1'] as const;

export function widgets(version: (typeof widgetVersions)[number] = 'v1'): GroupVersionResource {
  return { group: goldenGroup, version, resource: 'widgets' };
}

export const clusterWidgets: GroupVersionResource = { group: goldenGroup, version: 'v1', resource: 'clusterwidgets' };

/** Cluster-scoped, and named like the core resource that rules and selectors treat specially. */
export const foreignNamespaces: GroupVersionResource = { group: goldenGroup, version: 'v1', resource: 'namespaces' };

/** Namespaces that every scenario finds. */
export const namespaces: readonly KubernetesObject[] = [
  namespace('plain', {}),
  namespace('prod', { env: 'prod', team: 'a' }),
  namespace('dev', { env: 'dev', team: 'b' }),
];

/** Any content is kept; `spec.flavour` has a default, which comes back when a webhook removes it. */
export const definitions: readonly CustomResourceDefinition[] = [
  definition('Widget', 'widgets', 'Namespaced', [...widgetVersions]),
  definition('ClusterWidget', 'clusterwidgets', 'Cluster', ['v1']),
  definition('Namespace', 'namespaces', 'Cluster', ['v1']),
];

function namespace(name: string, labels: { [key: string]: string }): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'kubernetes.io/metadata.name': name, ...labels } },
  };
}

function definition(kind: string, plural: string, scope: string, versions: string[]): CustomResourceDefinition {
  const spec = {
    type: 'object',
    'x-kubernetes-preserve-unknown-fields': true,
    properties: { flavour: { type: 'string', default: 'plain' }, replicas: { type: 'integer' } },
  };
  const schema = {
    openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { spec } },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${goldenGroup}` },
    spec: {
      group: goldenGroup,
      scope,
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: versions.map((name) => ({
        name,
        served: true,
        storage: name === 'v1',
        schema,
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
        },
      })),
    },
  };
}

/** Where {@link markers} are asked for. */
export const markerNamespace = 'golden-marker';

/**
 * Webhooks that come before all others and refuse one request each, a ConfigMap labelled `marker: mutating` or `marker:
 * validating`, by a match condition that fails. The text of the refusal holds `generation`, by which the recorder sees
 * that the API server has taken in every configuration written before. They count in audit annotations, so the replay
 * registers them too.
 */
export function markers(generation: string): {
  readonly mutating: MutatingWebhookConfiguration;
  readonly validating: ValidatingWebhookConfiguration;
} {
  const marker = (role: string): ValidatingWebhook => ({
    name: `${role}.marker.golden.sallyport.dev`,
    clientConfig: { url: 'https://127.0.0.1:1/never-called' },
    rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': markerNamespace } },
    objectSelector: { matchLabels: { marker: role } },
    matchConditions: [{ name: 'generation', expression: `object.data['${generation}'] == ''` }],
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
  });
  const metadata = { name: '000-marker' };
  const apiVersion = 'admissionregistration.k8s.io/v1';
  return {
    mutating: { apiVersion, kind: 'MutatingWebhookConfiguration', metadata, webhooks: [marker('mutating')] },
    validating: { apiVersion, kind: 'ValidatingWebhookConfiguration', metadata, webhooks: [marker('validating')] },
  };
}
