import { afterAll, beforeAll, expect, it } from 'vitest';
import { ControlPlane } from '../testing/control-plane/index.ts';
import { globalQuotaDefinition } from './custom-resource-definition.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await ControlPlane.start();
  const applied = await plane.kubectl(['apply', '-f', '-', '--validate=strict', '--warnings-as-errors'], {
    input: JSON.stringify(globalQuotaDefinition()),
  });
  expect(applied.stderr).toBe('');
  const served = ['wait', '--for=condition=Established', '--timeout=30s', 'crd/globalquotas.quota.sallyport.dev'];
  expect((await plane.kubectl(served)).code).toBe(0);
});
afterAll(() => plane.stop());

async function create(spec: object): Promise<string> {
  const quota = {
    apiVersion: 'quota.sallyport.dev/v1alpha1',
    kind: 'GlobalQuota',
    metadata: { generateName: 'q-' },
    spec,
  };
  const { stdout, stderr } = await plane.kubectl(
    ['create', '-f', '-', '--validate=strict', '-o', 'jsonpath={.spec.mode}/{.spec.onFault}/{.spec.warnAtPercent}'],
    { input: JSON.stringify(quota) },
  );
  return stdout + stderr;
}

it.each<{ name: string; spec: object }>([
  {
    name: 'limits as numbers and texts',
    spec: { hard: { pods: 20, 'requests.cpu': '400', 'limits.memory': '1.5Ti' } },
  },
  {
    name: 'everything',
    spec: {
      hard: { pods: '20', 'requests.cpu': '1e3' },
      scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] },
      clusters: { names: ['eu-1'], selector: { matchLabels: { region: 'eu' } } },
      namespaces: { selector: { matchExpressions: [{ key: 'team', operator: 'Exists' }] } },
      perCluster: { pods: '10' },
      perNamespace: { pods: '5' },
    },
  },
])('the API server stores $name, with defaults', async ({ spec }) => {
  expect(await create(spec)).toBe('enforce/refuse/80');
});

it.each<{ name: string; spec: object; message: string }>([
  { name: 'no hard', spec: {}, message: 'spec.hard: Required value' },
  { name: 'an empty hard', spec: { hard: {} }, message: 'should have at least 1 properties' },
  { name: 'no quantity', spec: { hard: { pods: 'many' } }, message: 'spec.hard.pods' },
  { name: 'a negative limit', spec: { hard: { pods: '-1' } }, message: 'spec.hard.pods' },
  { name: 'an unknown mode', spec: { hard: { pods: 1 }, mode: 'deny' }, message: 'spec.mode: Unsupported value' },
  {
    name: 'an unknown scope',
    spec: { hard: { pods: 1 }, scopes: ['Big'] },
    message: 'spec.scopes[0]: Unsupported value',
  },
  { name: 'a misspelt field', spec: { hard: { pods: 1 }, namespace: {} }, message: 'unknown field "spec.namespace"' },
  {
    name: 'a ceiling of what hard lacks',
    spec: { hard: { pods: 1 }, perCluster: { cpu: 1 } },
    message: 'perCluster must name only what hard names',
  },
  {
    name: 'a selection of nothing',
    spec: { hard: { pods: 1 }, clusters: {} },
    message: 'expected names, a selector, or both',
  },
])('the API server refuses $name', async ({ spec, message }) => {
  expect(await create(spec)).toContain(message);
});

it('kubectl shows the mode', async () => {
  const { stdout } = await plane.kubectl(['get', 'gquota']);
  expect(stdout).toMatch(/^NAME +MODE +USED +ACCEPTED +AGE\n/);
});
