import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../test/e2e/until.ts';
import { ControlPlane } from '../testing/control-plane/index.ts';
import { deletionGuardDefinition, deletionGuardKind } from './index.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await ControlPlane.start();
  const applied = await plane.kubectl(['apply', '-f', '-', '--validate=strict', '--warnings-as-errors'], {
    input: JSON.stringify(deletionGuardDefinition()),
  });
  expect(applied.stderr).toBe('');
  const served = ['wait', '--for=condition=Established', '--timeout=30s', 'crd/deletionguards.guard.sallyport.dev'];
  expect((await plane.kubectl(served)).code).toBe(0);
  // A kind is told of a moment after it is established.
  await until(async () => (await plane.kubectl(['get', 'deletionguards'])).code === 0);
});
afterAll(() => plane.stop());

function guard(spec: object): object {
  const metadata = { generateName: 'g-', namespace: 'default' };
  return { apiVersion: 'guard.sallyport.dev/v1alpha1', kind: 'DeletionGuard', metadata, spec };
}

const selector = { matchLabels: { app: 'db' } };
const http = { url: 'http://{podIP}:8080/departure' };
const job = { template: { spec: { template: { spec: { containers: [{ name: 'main', image: 'a:1' }] } } } } };

describe('DeletionGuard', () => {
  it.each<{ name: string; spec: object }>([
    { name: 'what is required', spec: { selector, hook: { http } } },
    {
      name: 'everything',
      spec: {
        selector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['db'] }] },
        hook: { job: { ...job, undoTemplate: job.template, ttlSecondsAfterFinished: 600 } },
        deadlineSeconds: 30,
        onDeadline: 'Hold',
        onHookFailure: 'Release',
        onNamespaceDelete: 'Hold',
        idleAfterSeconds: 5,
        settleSeconds: 1,
        pollSeconds: 1,
        retrySeconds: 1,
        releaseSeconds: 60,
        finishAfterSeconds: 0,
        maxConcurrent: 2,
        finisher: { Drain: 'Delete', User: 'Abort' },
        takeOutOfService: { readinessGate: true, trafficLabel: 'in-service' },
      },
    },
  ])('the API server stores $name, and the gate reads what it stored', async ({ spec }) => {
    const created = await plane.kubectl(['create', '-f', '-', '--validate=strict', '-o', 'json'], {
      input: JSON.stringify(guard(spec)),
    });
    expect(created.stderr).toBe('');
    const stored = deletionGuardKind.parse(JSON.parse(created.stdout) as object);
    const written = deletionGuardKind.parse({ ...guard(spec), metadata: { name: 'g', namespace: 'default' } });
    if (!('object' in stored) || !('object' in written)) throw new Error(JSON.stringify([stored, written]));
    // The defaults of the schema are those of the gate.
    expect(stored.object.policy).toEqual(written.object.policy);
    expect(stored.object.hook).toEqual(written.object.hook);
  });

  it.each<{ name: string; spec: object; message: string }>([
    { name: 'no hook', spec: { selector }, message: 'spec.hook: Required value' },
    { name: 'two hooks', spec: { selector, hook: { http, job } }, message: 'expected exactly one of http and job' },
    { name: 'no selector', spec: { hook: { http } }, message: 'spec.selector: Required value' },
    { name: 'an empty selector', spec: { selector: {}, hook: { http } }, message: 'at least 1 properties' },
    { name: 'no URL', spec: { selector, hook: { http: { url: 'db' } } }, message: 'spec.hook.http.url' },
    { name: 'no deadline', spec: { selector, hook: { http }, deadlineSeconds: 0 }, message: 'spec.deadlineSeconds' },
    { name: 'a misspelt choice', spec: { selector, hook: { http }, onDeadline: 'hold' }, message: 'spec.onDeadline' },
    {
      name: 'a misspelt field',
      spec: { selector, hook: { http }, deadline: 9 },
      message: 'unknown field "spec.deadline"',
    },
    {
      name: 'an unknown requester',
      spec: { selector, hook: { http }, finisher: { Kubectl: 'Abort' } },
      message: 'unknown field "spec.finisher.Kubectl"',
    },
  ])('the API server refuses $name', async ({ spec, message }) => {
    const { code, stderr } = await plane.kubectl(['create', '-f', '-', '--validate=strict'], {
      input: JSON.stringify(guard(spec)),
    });
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
  });

  it('kubectl shows its terms', async () => {
    const { stdout } = await plane.kubectl(['get', 'dguard']);
    expect(stdout).toMatch(/^NAME +DEADLINE +ON DEADLINE +AT ONCE +AGE\n/);
  });
});
