import { describe, expect, test } from 'vitest';
import { runPlugin, summaryOf } from '../../../test/run-plugin.ts';
import { limitPodHardAntiAffinityTopologyPlugin } from './limit-pod-hard-anti-affinity-topology.ts';

const apart = (...topologyKeys: string[]) => ({
  podAntiAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: topologyKeys.map((topologyKey) => ({ topologyKey })),
  },
});
const pod = (affinity?: object, metadata: object = { name: 'web' }) => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata },
  spec: { containers: [{ name: 'main' }], ...(affinity && { affinity }) },
});
const hostname = 'kubernetes.io/hostname';
const zone = 'topology.kubernetes.io/zone';
const reason = `is forbidden: affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey ${zone} but only key ${hostname} is allowed`;
const denied = `403 Forbidden: pods "web" ${reason}`;
const term = { topologyKey: zone };

describe('limitPodHardAntiAffinityTopologyPlugin', () => {
  test.each([
    ['no affinity', pod(), 'unchanged'],
    ['no terms', pod(apart()), 'unchanged'],
    ['apart by node', pod(apart(hostname)), 'unchanged'],
    ['apart by zone', pod(apart(zone)), denied],
    ['apart by node and zone', pod(apart(hostname, zone)), denied],
    ['a nameless Pod apart by zone', pod(apart(zone), { generateName: 'web-' }), `403 Forbidden: pods ${reason}`],
    [
      'a wish to be apart by zone',
      pod({ podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ podAffinityTerm: term }] } }),
      'unchanged',
    ],
    ['together by zone', pod({ podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } }), 'unchanged'],
  ])('judges %s', async (_, object, expected) => {
    expect(summaryOf(await runPlugin(limitPodHardAntiAffinityTopologyPlugin, { object }), object)).toBe(expected);
  });

  test('judges updates, but not those of subresources', async () => {
    const [object, oldObject] = [pod(apart(zone)), pod(apart(zone))];
    const update = { object, oldObject };
    expect(summaryOf(await runPlugin(limitPodHardAntiAffinityTopologyPlugin, update), object)).toBe(denied);
    const ofStatus = { ...update, subresource: 'status' };
    expect(summaryOf(await runPlugin(limitPodHardAntiAffinityTopologyPlugin, ofStatus), object)).toBe('unchanged');
  });
});
