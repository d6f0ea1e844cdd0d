import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../json/json-value.ts';
import { runPlugin, summaryOf, type PluginRequest } from '../../../test/run-plugin.ts';
import { extendedResourceTolerationPlugin } from './extended-resource-toleration.ts';

const gpu = 'example.com/gpu';
const nic = 'example.com/nic';
const tolerationOf = (key: string): JsonObject => ({ key, operator: 'Exists', effect: 'NoSchedule' });
const asking = (resources: JsonObject): JsonObject => ({ name: 'main', resources });
const pod = (spec: JsonObject): JsonObject => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec });
const requesting = (requests: JsonObject, tolerations?: JsonObject[]): JsonObject => ({
  containers: [asking({ requests })],
  ...(tolerations && { tolerations }),
});

describe('extendedResourceTolerationPlugin', () => {
  test.each([
    ['a request', requesting({ [gpu]: '1' }), [tolerationOf(gpu)]],
    ['a limit', { containers: [asking({ limits: { [gpu]: '1' } })] }, [tolerationOf(gpu)]],
    ['an init container', { initContainers: [asking({ requests: { [gpu]: 1 } })] }, [tolerationOf(gpu)]],
    ['two, sorted', requesting({ [nic]: '1', [gpu]: '1' }), [tolerationOf(gpu), tolerationOf(nic)]],
    ['one beside others', requesting({ [gpu]: '1' }, [tolerationOf(nic)]), [tolerationOf(nic), tolerationOf(gpu)]],
    [
      'one that is there for a while',
      requesting({ [gpu]: '1' }, [{ ...tolerationOf(gpu), tolerationSeconds: 5 }, tolerationOf(nic)]),
      [tolerationOf(gpu), tolerationOf(nic)],
    ],
    [
      'one that is there for a value',
      requesting({ [gpu]: '1' }, [{ ...tolerationOf(gpu), value: 'x' }]),
      [{ ...tolerationOf(gpu), value: 'x' }, tolerationOf(gpu)],
    ],
  ])('lets a Pod tolerate the taint for %s', async (_, spec, tolerations) => {
    const outcome = await runPlugin(extendedResourceTolerationPlugin, { object: pod(spec) });
    expect(outcome.object).toEqual(pod({ ...spec, tolerations }));
  });

  const native = ['cpu', 'hugepages-2Mi', 'kubernetes.io/batch', 'deviceclass.resource.kubernetes.io/gpu'];
  test.each<[string, PluginRequest]>([
    ['without resources', { object: pod({ containers: [{ name: 'main' }] }) }],
    ...native.map((name): [string, PluginRequest] => [`with ${name}`, { object: pod(requesting({ [name]: '1' })) }]),
    ['with a name for quotas', { object: pod(requesting({ 'requests.example.com/gpu': '1' })) }],
    ['with a name that is none', { object: pod(requesting({ 'example.com/-gpu': '1' })) }],
    ['that tolerates it', { object: pod(requesting({ [gpu]: '1' }, [tolerationOf(gpu)])) }],
    ['with a debug container', { object: pod({ ephemeralContainers: [asking({ requests: { [gpu]: '1' } })] }) }],
    ['by its status', { object: pod(requesting({ [gpu]: '1' })), subresource: 'status' }],
    ['of another kind', { object: { ...pod(requesting({ [gpu]: '1' })), kind: 'PodTemplate' } }],
  ])('leaves a Pod %s alone', async (_, request) => {
    const outcome = await runPlugin(extendedResourceTolerationPlugin, request);
    expect(summaryOf(outcome, request.object)).toBe('unchanged');
  });

  test('does so on update too', async () => {
    const object = pod(requesting({ [gpu]: '1' }));
    const outcome = await runPlugin(extendedResourceTolerationPlugin, { object, oldObject: object });
    expect(outcome.object).toEqual(pod(requesting({ [gpu]: '1' }, [tolerationOf(gpu)])));
  });
});
