import { describe, expect, test } from 'vitest';
import { runPlugin, summaryOf } from '../../../test/run-plugin.ts';
import { defaultTolerationSecondsPlugin } from './default-toleration-seconds.ts';

const pod = (tolerations?: readonly object[]) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web' },
  spec: { containers: [{ name: 'web', image: 'web:1' }], ...(tolerations === undefined ? {} : { tolerations }) },
});
const bears = (key: string) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 });
const notReady = bears('node.kubernetes.io/not-ready');
const unreachable = bears('node.kubernetes.io/unreachable');
const other = { key: 'gpu', operator: 'Exists' };

describe('defaultTolerationSecondsPlugin', () => {
  test.each([
    ['adds both', pod(), pod([notReady, unreachable])],
    ['adds after those there are', pod([other]), pod([other, notReady, unreachable])],
    ['adds the missing one', pod([unreachable]), pod([unreachable, notReady])],
    ['adds what is tolerated for another effect', pod([{ ...notReady, effect: 'NoSchedule' }, unreachable]), 3],
    ['counts a toleration of every effect', pod([{ key: notReady.key, operator: 'Exists' }, unreachable]), 'unchanged'],
    ['counts a toleration of every taint', pod([{ operator: 'Exists' }]), 'unchanged'],
    ['keeps other seconds', pod([{ ...notReady, tolerationSeconds: 5 }, unreachable]), 'unchanged'],
  ])('%s', async (_, object, expected) => {
    const summary = summaryOf(await runPlugin(defaultTolerationSecondsPlugin, { object }), object);
    if (typeof expected === 'number') expect(summary).toHaveProperty('spec.tolerations.length', expected);
    else expect(summary).toEqual(expected);
  });

  test('adds on update too, but not on subresources or to what is no Pod', async () => {
    const updated = await runPlugin(defaultTolerationSecondsPlugin, { object: pod(), oldObject: pod() });
    expect(updated.object).toEqual(pod([notReady, unreachable]));
    const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' }, spec: {} };
    for (const request of [{ object: deployment }, { object: pod(), oldObject: pod(), subresource: 'status' }]) {
      expect(summaryOf(await runPlugin(defaultTolerationSecondsPlugin, request), request.object)).toBe('unchanged');
    }
  });
});
