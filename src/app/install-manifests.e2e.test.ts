import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { defineValidator, WebhookRegistry } from '../admission/index.ts';
import { ControlPlane } from '../testing/control-plane/index.ts';
import { parseGateConfiguration } from './gate-configuration.ts';
import { installManifests } from './install-manifests.ts';

const configurationText = `apiVersion: config.sallyport.dev/v1alpha1
kind: GateConfiguration
webhooks: { paths: [webhooks] }
registration: { service: { namespace: gate-system, name: gate } }
`;

let plane: ControlPlane;
beforeAll(async () => {
  // The ReplicaSet controller makes the Pods, which the namespace's Pod Security level must let in.
  plane = await ControlPlane.start({ controllers: ['deployment', 'replicaset', 'clusterrole-aggregation'] });
});
afterAll(() => plane.stop());

const serviceAccount = 'system:serviceaccount:gate-system:gate';

async function canI(...question: string[]): Promise<boolean> {
  const { stdout } = await plane.kubectl(['auth', 'can-i', ...question, '--as', serviceAccount]);
  return stdout.trim() === 'yes';
}

it('what is printed applies, is admitted at the restricted level, and has the rights it needs and no others', async () => {
  const registry = new WebhookRegistry([
    defineValidator({
      name: 'hosts.example.com',
      resource: 'ingresses.networking.k8s.io/v1',
      operations: ['CREATE'],
      reads: ['ingresses.networking.k8s.io/v1'],
      handler: () => undefined,
    }),
  ]);
  const configuration = parseGateConfiguration(configurationText, '/etc/sallyport/gate.yaml');
  const objects = installManifests({
    configuration,
    configurationText,
    registry,
    image: 'registry.example.com/gate:1',
  });
  const input = objects.map((object) => stringify(object, { aliasDuplicateObjects: false })).join('---\n');

  const applied = await plane.kubectl(['apply', '-f', '-', '--validate=strict', '--warnings-as-errors'], { input });
  expect(applied.stderr).toBe('');
  expect(applied.code).toBe(0);
  const again = await plane.kubectl(['apply', '-f', '-'], { input });
  // kubectl says so of every PodDisruptionBudget that is applied again: its selector is replaced, not merged.
  const changed = again.stdout
    .trim()
    .split('\n')
    .filter((line) => !line.endsWith(' unchanged'));
  expect(changed).toEqual(['poddisruptionbudget.policy/gate configured']);

  const rolledOut = await plane.kubectl([
    'wait',
    '-n',
    'gate-system',
    '--for=jsonpath={.status.replicas}=2',
    'deployment/gate',
    '--timeout=30s',
  ]);
  expect(rolledOut.stderr).toBe('');

  const webhooks = 'validatingwebhookconfigurations.admissionregistration.k8s.io';
  for (const allowed of [
    ['patch', `${webhooks}/sallyport`],
    ['delete', `${webhooks}/sallyport`],
    ['create', webhooks],
    ['get', 'namespaces/gate-system'],
    ['update', 'secrets/sallyport-ca', '-n', 'gate-system'],
    ['list', 'ingresses.networking.k8s.io', '-n', 'default'],
  ]) {
    expect(await canI(...allowed), allowed.join(' ')).toBe(true);
  }
  for (const forbidden of [
    ['patch', `${webhooks}/others`],
    ['get', 'secrets/others', '-n', 'gate-system'],
    ['list', 'secrets', '-n', 'gate-system'],
    ['get', 'secrets/sallyport-ca', '-n', 'default'],
    ['create', 'pods', '-n', 'gate-system'],
    ['update', 'ingresses.networking.k8s.io', '-n', 'default'],
    ['list', 'pods', '-n', 'default'],
  ]) {
    expect(await canI(...forbidden), forbidden.join(' ')).toBe(false);
  }
});
