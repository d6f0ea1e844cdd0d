import { describe, expect, test } from 'vitest';
import { runPlugin, summaryOf } from '../../../test/run-plugin.ts';
import { taintNodesByConditionPlugin } from './taint-nodes-by-condition.ts';

const node = (taints?: readonly object[]) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n' },
  ...(taints === undefined ? {} : { spec: { taints } }),
});
const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };
const executing = { ...notReady, effect: 'NoExecute' };

describe('taintNodesByConditionPlugin', () => {
  test.each([
    ['taints a new node', node(), node([notReady])],
    ['adds to the taints there are', node([executing]), node([executing, notReady])],
    ['knows the taint by key and effect', node([{ ...notReady, value: 'x' }]), 'unchanged'],
  ])('%s', async (_, object, expected) => {
    expect(summaryOf(await runPlugin(taintNodesByConditionPlugin, { object }), object)).toEqual(expected);
  });

  test('leaves updates, subresources and other objects alone', async () => {
    const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } };
    for (const request of [
      { object: node(), oldObject: node() },
      { object: node(), subresource: 'status' },
      { object: configMap },
    ]) {
      expect(summaryOf(await runPlugin(taintNodesByConditionPlugin, request), request.object)).toBe('unchanged');
    }
  });
});
