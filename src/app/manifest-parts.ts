import type { KubernetesObject } from '../api/object-meta.ts';

export type Manifest = KubernetesObject & Readonly<Record<string, unknown>>;

/** A ServiceAccount, and the Pods that run as it. */
export interface Identity {
  readonly namespace: string;
  readonly name: string;
  /** On everything that belongs to it. */
  readonly labels: Readonly<Record<string, string>>;
  /** By which its Pods are found. */
  readonly selector: Readonly<Record<string, string>>;
}

const nameLabel = 'app.kubernetes.io/name';
const componentLabel = 'app.kubernetes.io/component';

/** `name` is its own, `application` that of all that belongs together. */
export function identityOf(
  namespace: string,
  application: string,
  { name, component }: { readonly name: string; readonly component: string },
): Identity {
  const selector = { [nameLabel]: application, [componentLabel]: component };
  return { namespace, name, selector, labels: { ...selector, 'app.kubernetes.io/managed-by': 'sallyport' } };
}

/** Fit for all that is printed. */
export function restrictedNamespace(name: string): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name,
      labels: { 'app.kubernetes.io/managed-by': 'sallyport', 'pod-security.kubernetes.io/enforce': 'restricted' },
    },
  };
}

export interface Rights {
  /** Rules for the whole cluster. */
  readonly cluster: readonly object[];
  /** Rules for one namespace. */
  readonly namespace: readonly object[];
  /** Which one that is. Default: the identity's own. */
  readonly inNamespace?: string;
}

/** The account with these rights; without rules there is no role. */
export function accountWith({ namespace: own, name, labels }: Identity, rights: Rights): Manifest[] {
  const subject = { kind: 'ServiceAccount', name, namespace: own };
  const bound = (kind: 'ClusterRole' | 'Role', metadata: object, rules: readonly object[]): Manifest[] => {
    if (rules.length === 0) return [];
    const apiVersion = 'rbac.authorization.k8s.io/v1';
    const { name: roleName } = metadata as { readonly name: string };
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind, name: roleName };
    return [
      { apiVersion, kind, metadata, rules },
      { apiVersion, kind: `${kind}Binding`, metadata, roleRef, subjects: [subject] },
    ];
  };
  const { cluster, namespace, inNamespace = own } = rights;
  return [
    // The token is asked for by the Pods that need it.
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name, namespace: own, labels },
      automountServiceAccountToken: false,
    },
    // Two may carry one name in two namespaces; cluster-scoped names tell them apart.
    ...bound('ClusterRole', { name: `${own}:${name}`, labels }, cluster),
    ...bound('Role', { name, namespace: inNamespace, labels }, namespace),
  ];
}

/** What an identity is configured with, under the key that is its file's name. */
export function configurationMap({ namespace, name, labels }: Identity, key: string, text: string): Manifest {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels }, data: { [key]: text } };
}

/** A disk for a ledger that is a file, called `<name>-<of>`. */
export function diskClaim({ namespace, name, labels }: Identity, of: string): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: `${name}-${of}`, namespace, labels },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  };
}

/** The address of an identity that serves. */
export function httpsService({ namespace, name, labels, selector }: Identity, port: number): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace, labels },
    spec: { selector, ports: [{ name: 'https', port, targetPort: 'https', protocol: 'TCP' }] },
  };
}

/** Who calls is an API server or another cluster, whose address no selector knows; so ports are limited and callers are not. */
export function networkPolicy({ namespace, name, labels, selector }: Identity, ports: readonly number[]): Manifest {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace, labels },
    spec: {
      podSelector: { matchLabels: selector },
      policyTypes: ['Ingress'],
      ingress: [{ ports: ports.map((port) => ({ port, protocol: 'TCP' })) }],
    },
  };
}

/** A Service of its own, without an address: the one that is called has no port for figures, and the registrar none at all. */
export function monitoring({ namespace, name, labels }: Identity): Manifest[] {
  const own = { ...labels, [componentLabel]: 'metrics' };
  const metadata = { name: `${name}-metrics`, namespace, labels: own };
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        clusterIP: 'None',
        // Figures are wanted of those that are not ready, too.
        publishNotReadyAddresses: true,
        selector: { [nameLabel]: name },
        ports: [{ name: 'health', port: 8080, targetPort: 'health', protocol: 'TCP' }],
      },
    },
    {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'ServiceMonitor',
      metadata,
      spec: {
        selector: { matchLabels: { [nameLabel]: name, [componentLabel]: 'metrics' } },
        endpoints: [{ port: 'health', path: '/metrics', interval: '30s' }],
      },
    },
  ];
}
