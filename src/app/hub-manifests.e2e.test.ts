import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { HttpsHubConnection } from '../quota/index.ts';
import { silentLogger, systemClock } from '../telemetry/index.ts';
import { prometheusMetrics } from '../telemetry/prometheus-metrics.ts';
import { ControlPlane } from '../testing/control-plane/index.ts';
import { clientCertificate } from '../../test/client-certificate.ts';
import { testAuthority, testCertificate } from '../../test/loopback-server.ts';
import { hubManifests } from './hub-manifests.ts';
import { QuotaHub } from './quota-hub.ts';
import { parseQuotaHubConfiguration } from './quota-hub-configuration.ts';

const account = 'system:serviceaccount:sallyport:quota-hub';
const configurationText = `apiVersion: config.sallyport.dev/v1alpha1
kind: QuotaHubConfiguration
metadata: { name: quota-hub, namespace: sallyport }
certificates: tls
clientAuthority: client-ca/ca.crt
objects: { mode: Cluster }
store: { mode: Kubernetes, namespace: ledgers }
`;

let plane: ControlPlane;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-hub-manifests-'));
  // Controllers make the Pod, which the namespace's Pod Security level must let in.
  plane = await ControlPlane.start({
    controllers: ['deployment', 'replicaset'],
    users: [{ name: account, groups: ['system:serviceaccounts', 'system:serviceaccounts:sallyport'] }],
  });
}, 120_000);
afterAll(async () => {
  await plane?.stop();
  await rm(folder, { recursive: true });
});

async function kubectl(args: string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await plane.kubectl(args, input === undefined ? {} : { input });
  expect(stderr, args.join(' ')).toBe('');
  expect(code).toBe(0);
  return stdout;
}

it('prints what applies, twice, and makes a Pod that is admitted at the restricted level', async () => {
  await kubectl(['create', 'namespace', 'ledgers']);
  const objects = hubManifests({ configurationText, image: 'registry.example.com/sallyport:1', serviceMonitor: false });
  const input = objects.map((object) => stringify(object, { aliasDuplicateObjects: false })).join('---\n');
  await kubectl(['apply', '-f', '-', '--validate=strict', '--warnings-as-errors'], input);
  const again = await kubectl(['apply', '-f', '-'], input);
  expect(
    again
      .trim()
      .split('\n')
      .filter((line) => !line.endsWith(' unchanged')),
  ).toEqual([]);
  const replicas = '--for=jsonpath={.status.replicas}=1';
  await kubectl(['wait', '-n', 'sallyport', replicas, 'deployment/quota-hub', '--timeout=30s']);
  await kubectl(['wait', '--for=condition=Established', 'crd/globalquotas.quota.sallyport.dev', '--timeout=30s']);
});

it('gives the hub the rights that it needs, and no others', async () => {
  const [authority, clients] = [await testAuthority(), await testAuthority()];
  const serving = await testCertificate(authority);
  for (const [file, text] of [
    ['tls/tls.crt', serving.certificatePem],
    ['tls/tls.key', serving.privateKeyPem],
    ['client-ca/ca.crt', clients.certificatePem],
  ] as const) {
    await mkdir(join(folder, file, '..'), { recursive: true });
    await writeFile(join(folder, file), text);
  }
  // As in the Pod, but for the account's kubeconfig in the place of its token, and ports that are free.
  const parsed = parseQuotaHubConfiguration(configurationText, join(folder, 'hub.yaml'));
  const configuration = {
    ...parsed,
    server: { host: '127.0.0.1', port: 0, healthPort: 0 },
    objects: { mode: 'Cluster', kubeconfig: plane.kubeconfigFor(account) },
  } as const;
  const quota = {
    apiVersion: 'quota.sallyport.dev/v1alpha1',
    kind: 'GlobalQuota',
    metadata: { name: 'team-a' },
    spec: { hard: { pods: 10 } },
  };
  await kubectl(['create', '-f', '-'], JSON.stringify(quota));
  const hub = new QuotaHub({ configuration, metrics: prometheusMetrics(), log: silentLogger, clock: systemClock });
  const { port } = await hub.start();
  const { cert, key } = await clientCertificate(clients, 'eu-1');
  const connection = new HttpsHubConnection({
    url: `https://localhost:${port}`,
    credentials: () => ({ ca: authority.certificatePem, certificatePem: cert, privateKeyPem: key }),
  });
  try {
    const report = { cluster: 'id-of-eu-1', reports: [], needs: [], recall: null };
    await connection.sync(report, AbortSignal.timeout(10_000));
    await kubectl(['wait', '--for=jsonpath={.status.hard.pods}=10', 'globalquota/team-a', '--timeout=30s']);
    expect(await kubectl(['get', 'configmaps', '-n', 'ledgers', '-o', 'name'])).toContain('sallyport-quota-ledger');
  } finally {
    await connection.close();
    await hub.stop();
  }
  const can = async (...question: string[]): Promise<string> =>
    (await plane.kubectl(['auth', 'can-i', ...question, `--as=${account}`])).stdout.trim();
  expect(await can('update', 'configmaps/sallyport-quota-ledger-journal', '-n', 'ledgers')).toBe('yes');
  for (const question of [
    ['update', 'configmaps/other', '-n', 'ledgers'],
    ['get', 'configmaps/other', '-n', 'ledgers'],
    ['create', 'configmaps', '-n', 'sallyport'],
    ['list', 'configmaps', '-n', 'ledgers'],
    ['get', 'secrets', '-n', 'sallyport'],
    ['patch', 'globalquotas.quota.sallyport.dev'],
    ['list', 'pods', '-A'],
  ]) {
    expect(await can(...question), question.join(' ')).toBe('no');
  }
});
