import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { until } from '../../test/e2e/until.ts';
import { defineValidator, WebhookRegistry } from '../admission/index.ts';
import { builtinResources } from '../api/generated/resources.ts';
import { KubeClient, loadKubeconfig } from '../kube/index.ts';
import { ControlPlane } from '../testing/control-plane/index.ts';
import { parseGateConfiguration } from './gate-configuration.ts';
import { installManifests, unregisterJob } from './install-manifests.ts';

const configurationText = `apiVersion: config.sallyport.dev/v1alpha1
kind: GateConfiguration
webhooks: { paths: [webhooks] }
registration: { service: { namespace: gate-system, name: gate } }
decisionLog: { to: File, path: /var/log/sallyport/decisions.jsonl }
clientCertificates: { caFile: /etc/sallyport-client-ca/ca.crt, allowedNames: [kube-apiserver] }
`;
const options = {
  configuration: parseGateConfiguration(configurationText, '/etc/sallyport/gate.yaml'),
  configurationText,
  registry: new WebhookRegistry([
    defineValidator({
      name: 'hosts.example.com',
      resource: 'ingresses.networking.k8s.io/v1',
      operations: ['CREATE'],
      reads: ['ingresses.networking.k8s.io/v1', 'namespaces'],
      handler: () => undefined,
    }),
  ]),
  image: 'registry.example.com/gate:1',
  serviceMonitor: true,
};

/** As much of the Prometheus operator as takes a ServiceMonitor. */
const serviceMonitorDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'servicemonitors.monitoring.coreos.com' },
  spec: {
    group: 'monitoring.coreos.com',
    scope: 'Namespaced',
    names: { plural: 'servicemonitors', singular: 'servicemonitor', kind: 'ServiceMonitor' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

let plane: ControlPlane;
let client: KubeClient;
beforeAll(async () => {
  // Controllers make the Pods, which the namespace's Pod Security level must let in.
  plane = await ControlPlane.start({ controllers: ['deployment', 'replicaset', 'job', 'clusterrole-aggregation'] });
  client = new KubeClient(await loadKubeconfig([plane.kubeconfig]));
  const input = JSON.stringify(serviceMonitorDefinition);
  await kubectl(['create', '-f', '-'], input);
  await kubectl(['wait', '--for=condition=Established', 'crd/servicemonitors.monitoring.coreos.com', '--timeout=30s']);
  // A kind is told of a moment after it is established.
  await until(async () => (await plane.kubectl(['get', 'servicemonitors'])).code === 0);
});
afterAll(async () => {
  client.close();
  await plane.stop();
});

async function kubectl(args: string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await plane.kubectl(args, input === undefined ? {} : { input });
  expect(stderr, args.join(' ')).toBe('');
  expect(code).toBe(0);
  return stdout;
}

const yaml = (objects: readonly object[]): string =>
  objects.map((object) => stringify(object, { aliasDuplicateObjects: false })).join('---\n');

describe('installManifests()', () => {
  it('prints what applies, twice, and makes Pods that are admitted at the restricted level', async () => {
    const input = yaml(installManifests(options));
    await kubectl(['apply', '-f', '-', '--validate=strict', '--warnings-as-errors'], input);
    const again = await kubectl(['apply', '-f', '-'], input);
    // kubectl says so of every PodDisruptionBudget that is applied again: its selector is replaced, not merged.
    const changed = again
      .trim()
      .split('\n')
      .filter((line) => !line.endsWith(' unchanged'));
    expect(changed).toEqual(['poddisruptionbudget.policy/gate configured']);

    for (const [deployment, replicas] of [
      ['gate', 2],
      ['gate-registrar', 1],
    ] as const) {
      const condition = `--for=jsonpath={.status.replicas}=${replicas}`;
      await kubectl(['wait', '-n', 'gate-system', condition, `deployment/${deployment}`, '--timeout=30s']);
    }
    const pods = await kubectl([
      'get',
      'pods',
      '-n',
      'gate-system',
      '-o',
      'jsonpath={.items[*].spec.serviceAccountName}',
    ]);
    expect(pods.split(' ').sort()).toEqual(['gate', 'gate', 'gate-registrar']);
    const enforced = await kubectl(['get', 'namespace', 'gate-system', '-o', 'jsonpath={.metadata.labels}']);
    expect(enforced).toContain('"pod-security.kubernetes.io/enforce":"restricted"');
    // The Service finds the replicas that serve, and only those.
    const selector = 'app.kubernetes.io/name=gate,app.kubernetes.io/component=server';
    expect(
      (await kubectl(['get', 'pods', '-n', 'gate-system', '-l', selector, '-o', 'name'])).trim().split('\n'),
    ).toHaveLength(2);
  });

  it('prints a Job that unregisters, admitted as well', async () => {
    await kubectl(['apply', '-f', '-', '--validate=strict', '--warnings-as-errors'], yaml([unregisterJob(options)]));
    const job = 'job/gate-registrar-unregister';
    await kubectl(['wait', '-n', 'gate-system', '--for=jsonpath={.status.active}=1', job, '--timeout=30s']);
    const annotations = await kubectl(['get', '-n', 'gate-system', job, '-o', 'jsonpath={.metadata.annotations}']);
    expect(annotations).toContain('"helm.sh/hook":"pre-delete"');
  });
});

const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'] as const;
/** What a right may be restricted to; undefined asks for all objects. */
const names = [undefined, 'sallyport', 'sallyport-ca', 'gate-system'] as const;
const subresources = ['serviceaccounts/token', 'pods/exec', 'pods/eviction', 'pods/ephemeralcontainers', 'nodes/proxy'];
const resources = [
  ...Map.groupBy(builtinResources, ({ group, resource }) => `${resource}.${group}`)
    .values()
    .flatMap(([first]) =>
      first === undefined ? [] : [{ group: first.group, resource: first.resource, subresource: '' }],
    ),
  ...subresources.map((text) => {
    const [resource = '', subresource = ''] = text.split('/');
    return { group: '', resource, subresource };
  }),
];
const namespaces = ['gate-system', 'default'];

/** Everything that an account may do, beyond what every account may, as `verb resource[/name] in namespace`. */
async function rightsOf(account: string): Promise<string[]> {
  const questions = resources.flatMap((resource) =>
    verbs.flatMap((verb) =>
      names.flatMap((name) => namespaces.map((namespace) => ({ ...resource, verb, name, namespace }))),
    ),
  );
  const ask = async (user: string, groups: string[], resourceAttributes: object): Promise<boolean> => {
    const review = await client.create<{ status?: { allowed?: boolean } }>(
      { group: 'authorization.k8s.io', version: 'v1', resource: 'subjectaccessreviews' },
      {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: { user, groups, resourceAttributes },
      },
    );
    return review.status?.allowed === true;
  };
  const groups = ['system:serviceaccounts', 'system:serviceaccounts:gate-system', 'system:authenticated'];
  const found: string[] = [];
  const queue = questions.values();
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (const { subresource, name, namespace, ...rest } of queue) {
        const attributes = { ...rest, subresource, namespace, ...(name !== undefined && { name }) };
        if (!(await ask(`system:serviceaccount:gate-system:${account}`, groups, attributes))) continue;
        if (await ask('system:serviceaccount:gate-system:nobody', groups, attributes)) continue;
        const target = `${rest.resource}${subresource === '' ? '' : `/${subresource}`}${name === undefined ? '' : ` ${name}`}`;
        found.push(`${rest.verb} ${target}${namespace === '' ? '' : ` in ${namespace}`}`);
      }
    }),
  );
  return found.sort();
}

/** The same right for every name and in every namespace that is asked about: it is not restricted. */
function everywhere(right: string): string[] {
  return names.flatMap((name) =>
    namespaces.map(
      (namespace) => `${right}${name === undefined ? '' : ` ${name}`}${namespace === '' ? '' : ` in ${namespace}`}`,
    ),
  );
}
/** Of one object of the cluster; a namespace beside it does not change that. */
const ofCluster = (right: string): string[] =>
  namespaces.map((namespace) => `${right}${namespace === '' ? '' : ` in ${namespace}`}`);
const inNamespace = (right: string): string[] =>
  names.map((name) => `${right}${name === undefined ? '' : ` ${name}`} in gate-system`);

const both = ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'];
const reads = ['get', 'list', 'watch'];

describe('the identity', () => {
  it('that serves reads what its webhooks declare, its Secret and its configurations, and does nothing more', async () => {
    expect(await rightsOf('gate')).toEqual(
      [
        ...['list', 'watch'].flatMap((verb) => [`${verb} ingresses`, `${verb} namespaces`]).flatMap(everywhere),
        ...both.flatMap((resource) => reads.flatMap((verb) => ofCluster(`${verb} ${resource} sallyport`))),
        ...reads.map((verb) => `${verb} secrets sallyport-ca in gate-system`),
      ].sort(),
    );
  });

  it('that registers writes the configurations of its name and its Secret, and does nothing more', async () => {
    expect(await rightsOf('gate-registrar')).toEqual(
      [
        // Which RBAC cannot restrict to a name: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
        ...both.flatMap((resource) => everywhere(`create ${resource}`)),
        ...both.flatMap((resource) =>
          [...reads, 'patch', 'delete'].flatMap((verb) => ofCluster(`${verb} ${resource} sallyport`)),
        ),
        ...ofCluster('get namespaces gate-system'),
        ...inNamespace('create secrets'),
        ...[...reads, 'update'].map((verb) => `${verb} secrets sallyport-ca in gate-system`),
      ].sort(),
    );
  });
});
