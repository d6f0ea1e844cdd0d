import { afterAll, beforeAll, expect, it } from 'vitest';
import { ControlPlane } from '../control-plane/index.ts';
import { FakeKubelet } from './index.ts';

let plane: ControlPlane;
let kubelet: FakeKubelet;
beforeAll(async () => {
  plane = await ControlPlane.start({ controllers: ['deployment', 'replicaset', 'daemonset'] });
  kubelet = await FakeKubelet.start(plane, { nodes: ['n1', 'n2'] });
});
afterAll(async () => {
  await kubelet.stop();
  await plane.stop();
});

/** Runs kubectl and gives what it wrote; throws when it failed. */
async function kubectl(command: string, input?: object): Promise<string> {
  const { code, stdout, stderr } = await plane.kubectl(command.split(' '), {
    ...(input && { input: JSON.stringify(input) }),
  });
  if (code !== 0) throw new Error(`kubectl ${command}: ${stderr}`);
  return stdout.trim();
}

function pod(name: string, spec: object = {}): object {
  const containers = [{ name: 'main', image: 'registry.example.com/main:1' }];
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers, ...spec } };
}

it('rolls a Deployment out and over, and lets kubectl drain end', async () => {
  await kubectl('create deployment web --image=registry.example.com/web:1 --replicas=3');
  await kubectl('rollout status deployment/web --timeout=30s');
  await kubectl('set image deployment/web web=registry.example.com/web:2');
  await kubectl('rollout status deployment/web --timeout=30s');
  expect(await kubectl('drain n1 --timeout=30s')).toContain('node/n1 drained');
  await kubectl('rollout status deployment/web --timeout=30s');
  const nodeNames = await kubectl('get pods -l app=web -o jsonpath={.items[*].spec.nodeName}');
  expect(new Set(nodeNames.split(' '))).toEqual(new Set(['n2']));
  await kubectl('uncordon n1');
});

it('places the Pods of a DaemonSet on the nodes that they name', async () => {
  const labels = { app: 'agent' };
  const template = {
    metadata: { labels },
    spec: { containers: [{ name: 'main', image: 'registry.example.com/a:1' }] },
  };
  const spec = { selector: { matchLabels: labels }, template };
  await kubectl('create -f -', { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'agent' }, spec });
  await kubectl('rollout status daemonset/agent --timeout=30s');
  const nodeNames = await kubectl('get pods -l app=agent -o jsonpath={.items[*].spec.nodeName}');
  expect(nodeNames.split(' ').sort()).toEqual(['n1', 'n2']);
});

it('makes a Pod ready when its readiness gate is', async () => {
  await kubectl('create -f -', pod('gated', { readinessGates: [{ conditionType: 'example.com/in-service' }] }));
  await kubectl('wait pod/gated --for=condition=ContainersReady --timeout=30s');
  await kubectl('wait pod/gated --for=condition=Ready=false --timeout=30s');
  const conditions = [{ type: 'example.com/in-service', status: 'True' }];
  await kubectl(`patch pod gated --subresource=status -p ${JSON.stringify({ status: { conditions } })}`);
  await kubectl('wait pod/gated --for=condition=Ready --timeout=30s');
  await kubectl('delete pod gated --timeout=30s');
});

it('leaves Pods alone while it is paused, those that have ended, and those of a node that is gone', async () => {
  await kubectl('create -f -', pod('slow'));
  await kubectl('wait pod/slow --for=condition=Ready --timeout=30s');
  await kubelet.pause();
  await kubectl('delete pod slow --wait=false');
  expect(await kubectl('get pod slow -o jsonpath={.metadata.deletionTimestamp}')).not.toBe('');
  kubelet.resume();
  await kubectl('wait pod/slow --for=delete --timeout=30s');

  await kubelet.addNode('n3');
  const onNode = { nodeSelector: { 'kubernetes.io/hostname': 'n3' } };
  await kubectl('create -f -', pod('ended', onNode));
  await kubectl('wait pod/ended --for=condition=Ready --timeout=30s');
  await kubectl(`patch pod ended --subresource=status -p ${JSON.stringify({ status: { phase: 'Succeeded' } })}`);
  await kubectl('create -f -', pod('left', onNode));
  await kubectl('wait pod/left --for=condition=Ready --timeout=30s');
  expect(await kubectl('get pod ended -o jsonpath={.status.phase}')).toBe('Succeeded');

  await kubelet.removeNode('n3');
  await kubectl('delete pod left --wait=false');
  await kubectl('create -f -', pod('elsewhere'));
  await kubectl('wait pod/elsewhere --for=condition=Ready --timeout=30s');
  expect(await kubectl('get pod left -o jsonpath={.metadata.deletionTimestamp}')).not.toBe('');
  await kubectl('delete pod left --grace-period=0 --force');
});
