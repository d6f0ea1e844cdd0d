import { expect, it } from 'vitest';
import { WebhookRegistry } from '../admission/index.ts';
import { parseGateConfiguration } from './gate-configuration.ts';
import { installManifests } from './install-manifests.ts';

interface Printed {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly rules: readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[];
  readonly spec: {
    readonly replicas: number;
    readonly strategy: { readonly type: string };
    readonly template: {
      readonly spec: {
        readonly securityContext: { readonly fsGroup?: number };
        readonly containers: readonly {
          readonly volumeMounts: readonly { readonly mountPath: string }[];
          readonly resources: object;
        }[];
        readonly volumes: readonly object[];
      };
    };
  };
}

function print(quota: string): readonly Printed[] {
  const configurationText = `apiVersion: config.sallyport.dev/v1alpha1
kind: GateConfiguration
registration: { service: { namespace: gates, name: gate } }
quota: ${quota}
`;
  const configuration = parseGateConfiguration(configurationText, '/etc/sallyport/gate.yaml');
  const registry = new WebhookRegistry();
  const image = 'registry.example.com/gate:1';
  const objects = installManifests({ configuration, configurationText, registry, image, serviceMonitor: false });
  // Read as what the API server will read.
  return JSON.parse(JSON.stringify(objects)) as Printed[];
}

function find(printed: readonly Printed[], kind: string, name: string): Printed {
  const found = printed.find((each) => each.kind === kind && each.metadata.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found;
}

const names = (printed: readonly Printed[]): string[] =>
  printed.map(({ kind, metadata }) => `${kind} ${metadata.name}`);

it('a ledger in a file has one replica, one at a time, and a disk that it may write', () => {
  const printed = print('{ cluster: eu-1 }');
  expect(names(printed)).toEqual(
    expect.arrayContaining([
      'CustomResourceDefinition globalquotas.quota.sallyport.dev',
      'PersistentVolumeClaim gate-quota',
    ]),
  );
  const { spec } = find(printed, 'Deployment', 'gate');
  expect(spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
  expect(spec.template.spec.securityContext.fsGroup).toBe(65_532);
  expect(spec.template.spec.containers[0]?.resources).toMatchObject({ limits: { memory: '512Mi' } });
  expect(spec.template.spec.volumes).toContainEqual({
    name: 'quota',
    persistentVolumeClaim: { claimName: 'gate-quota' },
  });
  expect(spec.template.spec.containers[0]?.volumeMounts).toContainEqual({
    name: 'quota',
    mountPath: '/var/lib/sallyport',
  });
});

it('a ledger in PostgreSQL has as many replicas as any gate, and its URL from a Secret', () => {
  const printed = print(
    '{ cluster: eu-1, objects: { mode: Folder, directory: quotas }, store: { mode: PostgreSQL, urlFile: /etc/quota/url } }',
  );
  expect(names(printed).filter((each) => /CustomResourceDefinition|PersistentVolumeClaim/.test(each))).toEqual([]);
  const { spec } = find(printed, 'Deployment', 'gate');
  expect(spec).toMatchObject({ replicas: 2, strategy: { type: 'RollingUpdate' } });
  expect(spec.template.spec.volumes).toContainEqual({ name: 'quota', secret: { secretName: 'gate-quota' } });
});

it('a member of a hub has a disk for its slices, and its credentials from a Secret', () => {
  const printed = print(
    '{ cluster: eu-1, store: { mode: Hub, url: "https://hub.example.com:8444", credentials: /etc/quota-hub } }',
  );
  expect(names(printed)).toContain('PersistentVolumeClaim gate-quota');
  const { spec } = find(printed, 'Deployment', 'gate');
  expect(spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
  expect(spec.template.spec.volumes).toEqual(
    expect.arrayContaining([
      { name: 'quota', persistentVolumeClaim: { claimName: 'gate-quota' } },
      { name: 'quota-hub', secret: { secretName: 'gate-quota-hub' } },
    ]),
  );
  expect(spec.template.spec.containers[0]?.volumeMounts).toEqual(
    expect.arrayContaining([
      { name: 'quota', mountPath: '/var/lib/sallyport' },
      { name: 'quota-hub', mountPath: '/etc/quota-hub', readOnly: true },
    ]),
  );
});

it('the kubeconfig of another cluster with the quotas comes from a Secret, for who serves and who registers', () => {
  const printed = print('{ cluster: eu-2, objects: { mode: Cluster, kubeconfig: /etc/quota-objects/kubeconfig } }');
  for (const name of ['gate', 'gate-registrar']) {
    const { volumes, containers } = find(printed, 'Deployment', name).spec.template.spec;
    expect(volumes).toContainEqual({ name: 'quota-objects', secret: { secretName: 'gate-quota-objects' } });
    const mount = { name: 'quota-objects', mountPath: '/etc/quota-objects', readOnly: true };
    expect(containers[0]?.volumeMounts).toContainEqual(mount);
  }
});

it('who serves may read what is counted and write a status; who registers may read the quotas', () => {
  const printed = print('{ cluster: eu-1, counts: [deployments.apps] }');
  const rights = (name: string): string[] =>
    find(printed, 'ClusterRole', `gates:${name}`).rules.flatMap(({ resources, verbs }) =>
      resources.map((resource) => `${resource}: ${verbs.join(',')}`),
    );
  const read = 'get,list,watch';
  const serving = ['namespaces', 'persistentvolumeclaims', 'pods', 'services', 'deployments', 'globalquotas'];
  expect(rights('gate')).toEqual(expect.arrayContaining(serving.map((resource) => `${resource}: ${read}`)));
  expect(rights('gate')).toContain('globalquotas/status: patch');
  const registering = names(printed).find((each) => /^ClusterRole gates:(?!gate$)/.test(each)) ?? '';
  const others = rights(registering.replace('ClusterRole gates:', ''));
  expect(others).toContain(`globalquotas: ${read}`);
  expect(others.some((each) => each.startsWith('pods'))).toBe(false);
});

it('without quota nothing of it is printed', () => {
  const configurationText = `apiVersion: config.sallyport.dev/v1alpha1
kind: GateConfiguration
webhooks: { paths: [webhooks] }
registration: { service: { namespace: gates, name: gate } }
`;
  const configuration = parseGateConfiguration(configurationText, '/etc/sallyport/gate.yaml');
  const registry = new WebhookRegistry();
  const objects = installManifests({ configuration, configurationText, registry, image: 'i', serviceMonitor: false });
  expect(JSON.stringify(objects)).not.toContain('quota');
});
