import { describe, expect, it } from 'vitest';
import type { Node, NodeSpec, PodSpec } from '../../api/generated/core.v1.ts';
import { chooseNode } from './placement.ts';

function node(name: string, spec: NodeSpec = {}, labels: Record<string, string> = {}): Node {
  return { metadata: { name, labels }, spec };
}
const taint = { key: 'dedicated', value: 'db', effect: 'NoExecute' };
const nodes = [
  node('cordoned', { unschedulable: true }),
  node('tainted', { taints: [taint] }),
  node('labelled', {}, { disk: 'ssd' }),
  node('plain', { taints: [{ key: 'spot', effect: 'PreferNoSchedule' }] }),
];
const podsOn = (name: string): number => ({ plain: 1, labelled: 2 })[name] ?? 0;

function affinity(term: object): Omit<PodSpec, 'containers'> {
  const requiredDuringSchedulingIgnoredDuringExecution = { nodeSelectorTerms: [term] };
  return { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution } } };
}

describe('chooseNode()', () => {
  it.each<[string, Omit<PodSpec, 'containers'>, string | undefined]>([
    ['nothing asked: the emptiest that lets it in', {}, 'plain'],
    ['node selector', { nodeSelector: { disk: 'ssd' } }, 'labelled'],
    ['node selector that no node meets', { nodeSelector: { disk: 'hdd' } }, undefined],
    ['toleration of the taint', { tolerations: [{ key: 'dedicated', value: 'db' }] }, 'tainted'],
    ['toleration of another value', { tolerations: [{ key: 'dedicated', value: 'web' }] }, 'plain'],
    ['toleration of another effect', { tolerations: [{ operator: 'Exists', effect: 'NoSchedule' }] }, 'cordoned'],
    [
      "a DaemonSet's affinity",
      affinity({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['labelled'] }] }),
      'labelled',
    ],
    ['affinity by label', affinity({ matchExpressions: [{ key: 'disk', operator: 'Exists' }] }), 'labelled'],
    ['affinity to no node', affinity({ matchExpressions: [{ key: 'gpu', operator: 'Exists' }] }), undefined],
  ])('%s', (_what, spec, expected) => {
    expect(chooseNode({ spec: { containers: [], ...spec } }, nodes, podsOn)).toBe(expected);
  });
});
