import { expect, it } from 'vitest';
import { hubManifests } from './hub-manifests.ts';

interface Printed {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules: readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[];
  readonly spec: {
    readonly replicas: number;
    readonly strategy: { readonly type: string };
    readonly template: {
      readonly spec: {
        readonly automountServiceAccountToken: boolean;
        readonly securityContext: { readonly fsGroup?: number };
        readonly containers: readonly { readonly args: readonly string[]; readonly volumeMounts: readonly object[] }[];
        readonly volumes: readonly object[];
      };
    };
  };
}

const metadata = 'metadata: { name: quota-hub, namespace: sallyport }\n';
const files = 'certificates: tls\nclientAuthority: client-ca/ca.crt\n';

function print(more: string, common = metadata + files): readonly Printed[] {
  const configurationText = `apiVersion: config.sallyport.dev/v1alpha1\nkind: QuotaHubConfiguration\n${common}${more}`;
  const objects = hubManifests({ configurationText, image: 'registry.example.com/sallyport:1', serviceMonitor: false });
  // Read as what the API server will read.
  return JSON.parse(JSON.stringify(objects)) as Printed[];
}

const names = (printed: readonly Printed[]): string[] =>
  printed.map(({ kind, metadata: { name, namespace } }) =>
    namespace === undefined ? `${kind} ${name}` : `${kind} ${namespace}/${name}`,
  );

function deploymentOf(printed: readonly Printed[]): Printed['spec'] {
  const found = printed.find(({ kind }) => kind === 'Deployment');
  if (found === undefined) throw new Error('no Deployment');
  return found.spec;
}

const everywhere = [
  'Namespace sallyport',
  'ServiceAccount sallyport/quota-hub',
  'ConfigMap sallyport/quota-hub',
  'Service sallyport/quota-hub',
  'Deployment sallyport/quota-hub',
  'NetworkPolicy sallyport/quota-hub',
];
const forOwnObjects = [
  'CustomResourceDefinition globalquotas.quota.sallyport.dev',
  'ClusterRole sallyport:quota-hub',
  'ClusterRoleBinding sallyport:quota-hub',
];

it('a hub with a file has one replica, one at a time, and a disk that it may write', () => {
  const printed = print('objects: { mode: Cluster }\nstore: { mode: SQLite, path: /var/lib/sallyport/hub.db }\n');
  const disk = 'PersistentVolumeClaim sallyport/quota-hub-store';
  expect(names(printed).sort()).toEqual([...everywhere, ...forOwnObjects, disk].sort());
  const { replicas, strategy, template } = deploymentOf(printed);
  expect([replicas, strategy]).toEqual([1, { type: 'Recreate' }]);
  const { securityContext, automountServiceAccountToken, volumes, containers } = template.spec;
  expect(securityContext.fsGroup).toBe(65_532);
  expect(automountServiceAccountToken).toBe(true);
  expect(containers[0]?.args).toEqual(['quota', 'hub', '--config', '/etc/sallyport/hub.yaml']);
  expect(volumes).toEqual([
    { name: 'configuration', configMap: { name: 'quota-hub' } },
    { name: 'tls', secret: { secretName: 'quota-hub-tls' } },
    { name: 'client-ca', configMap: { name: 'quota-hub-client-ca' } },
    { name: 'store', persistentVolumeClaim: { claimName: 'quota-hub-store' } },
  ]);
  expect(containers[0]?.volumeMounts).toEqual([
    { name: 'configuration', mountPath: '/etc/sallyport/hub.yaml', subPath: 'hub.yaml', readOnly: true },
    { name: 'tls', mountPath: '/etc/sallyport/tls', readOnly: true },
    { name: 'client-ca', mountPath: '/etc/sallyport/client-ca', readOnly: true },
    { name: 'store', mountPath: '/var/lib/sallyport' },
  ]);
});

it('a hub of quotas in another cluster has its kubeconfig and its database from Secrets, and no rights in this one', () => {
  const printed = print(
    'objects: { mode: Cluster, kubeconfig: objects/kubeconfig }\nstore: { mode: PostgreSQL, urlFile: store/url }\n',
  );
  expect(names(printed).sort()).toEqual([...everywhere].sort());
  const { strategy, template } = deploymentOf(printed);
  expect(strategy).toEqual({ type: 'Recreate' });
  expect(template.spec.automountServiceAccountToken).toBe(false);
  expect(template.spec.volumes).toEqual(
    expect.arrayContaining([
      { name: 'objects', secret: { secretName: 'quota-hub-objects' } },
      { name: 'store', secret: { secretName: 'quota-hub-store' } },
    ]),
  );
});

it('a hub with a ledger in objects may write ConfigMaps of that namespace alone', () => {
  const printed = print('objects: { mode: Cluster }\nstore: { mode: Kubernetes, namespace: ledgers }\n');
  const role = ['Role ledgers/quota-hub', 'RoleBinding ledgers/quota-hub'];
  expect(names(printed).sort()).toEqual([...everywhere, ...forOwnObjects, ...role].sort());
  expect(printed.find(({ kind }) => kind === 'Role')?.rules).toEqual([
    { apiGroups: [''], resources: ['configmaps'], verbs: ['create'] },
    {
      apiGroups: [''],
      resources: ['configmaps'],
      resourceNames: expect.arrayContaining([
        'sallyport-quota-ledger-journal',
        'sallyport-quota-ledger-shard-15',
      ]) as object,
      verbs: ['get', 'update'],
    },
  ]);
});

const folder =
  'objects: { mode: Folder, directory: quotas }\nstore: { mode: SQLite, path: /var/lib/sallyport/hub.db }\n';
it.each([
  ['no name', files, folder, /^metadata: expected the name and the namespace/],
  [
    'a name that is none',
    `metadata: { name: Quota Hub, namespace: sallyport }\n${files}`,
    folder,
    /^metadata: expected/,
  ],
  ['one port for two', `${metadata}${files}server: { port: 8080 }\n`, folder, /^server: in a cluster/],
  ['a port of any number', `${metadata}${files}server: { port: 0 }\n`, folder, /^server: in a cluster/],
  [
    'a folder above the configuration',
    `${metadata}certificates: /etc\nclientAuthority: /ca/ca.crt\n`,
    folder,
    /^certificates: in/,
  ],
  ['no namespace', `metadata: { name: quota-hub }\n${files}`, folder, /^metadata: expected the name and the namespace/],
  [
    'authorities beside the configuration',
    `${metadata}certificates: tls\nclientAuthority: ca.crt\n`,
    folder,
    /^clientAuthority: in a cluster its folder is a volume, and \/etc\/sallyport cannot be one/,
  ],
  [
    'a database beside the certificates',
    metadata + files,
    'objects: { mode: Cluster }\nstore: { mode: PostgreSQL, urlFile: tls/url }\n',
    /^store\.urlFile: .* beside \/etc\/sallyport\/tls of certificates/,
  ],
])('with %s nothing is printed', (_what, common, more, problem) => {
  expect(() => print(more, common)).toThrow(
    expect.objectContaining({
      name: 'InvalidConfigurationError',
      message: expect.stringMatching(problem) as string,
    }),
  );
});
