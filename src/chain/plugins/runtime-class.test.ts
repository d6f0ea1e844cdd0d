import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../json/json-value.ts';
import { runPlugin, summaryOf, validatingOnly } from '../../../test/run-plugin.ts';
import { runtimeClassPlugin } from './runtime-class.ts';

const runtimeClass = (name: string, over: JsonObject): JsonObject => ({
  ...{ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name }, handler: name },
  ...over,
});
const pod = (spec: JsonObject): JsonObject => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' } },
  spec: { containers: [{ name: 'main' }], ...spec },
});
const gvisor: JsonObject = { key: 'gvisor', operator: 'Exists', effect: 'NoSchedule' };
const cluster = [
  runtimeClass('plain', {}),
  runtimeClass('heavy', { overhead: { podFixed: { cpu: '0.25', memory: '64Mi' } } }),
  runtimeClass('light', { overhead: {} }),
  runtimeClass('placed', { scheduling: { nodeSelector: { runtime: 'gvisor', arch: 'x' }, tolerations: [gvisor] } }),
  runtimeClass('anywhere', { scheduling: {} }),
];
const overhead = { cpu: '250m', memory: '64Mi' };
const byClass = (runtimeClassName: string, over: JsonObject = {}): JsonObject => ({ runtimeClassName, ...over });
const rejected = '403 Forbidden: pods "web" is forbidden: ';
const differs = `${rejected}pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead`;
const unasked = `${rejected}pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead`;

describe('runtimeClassPlugin', () => {
  test.each([
    ['overhead', byClass('heavy'), { overhead }],
    ['overhead in the place of none', byClass('heavy', { overhead: {} }), { overhead }],
    [
      'overhead as its class writes it',
      byClass('heavy', { overhead: { cpu: '250m', memory: '65536Ki' } }),
      { overhead },
    ],
    ['a place', byClass('placed'), { nodeSelector: { runtime: 'gvisor', arch: 'x' }, tolerations: [gvisor] }],
    [
      'a place beside its own',
      byClass('placed', { nodeSelector: { runtime: 'gvisor', zone: 'a' }, tolerations: [{ ...gvisor, key: 'b' }] }),
      { nodeSelector: { runtime: 'gvisor', zone: 'a', arch: 'x' }, tolerations: [{ ...gvisor, key: 'b' }, gvisor] },
    ],
    [
      'tolerations without those covered',
      byClass('anywhere', { tolerations: [gvisor, { ...gvisor, effect: '' }] }),
      { tolerations: [{ ...gvisor, effect: '' }] },
    ],
  ])('gives a Pod %s', async (_, given, expected) => {
    const outcome = await runPlugin(runtimeClassPlugin, { object: pod(given), cluster });
    expect(outcome.object).toEqual(pod({ ...given, ...expected }));
    expect(outcome.allowed).toBe(true);
  });

  test.each<[string, JsonObject, JsonObject | string]>([
    ['of no class', {}, 'unchanged'],
    ['of no class, said by null', { runtimeClassName: null, overhead: null }, 'unchanged'],
    ['of a plain class', byClass('plain'), 'unchanged'],
    ['that is as its class wants it', byClass('heavy', { overhead }), 'unchanged'],
    ['that is where its class wants it', byClass('anywhere', { tolerations: [gvisor] }), 'unchanged'],
    ['of a class without overhead, with an empty one', byClass('light', { overhead: {} }), pod(byClass('light'))],
    ['of a class without overhead', byClass('light'), 'unchanged'],
    ['of no known class', byClass('gone'), `${rejected}pod rejected: RuntimeClass "gone" not found`],
    ['of a class without a name', byClass(''), '500 : resource name may not be empty'],
    ['with another overhead', byClass('heavy', { overhead: { cpu: '1' } }), differs],
    ['with more overhead', byClass('heavy', { overhead: { ...overhead, disk: '1' } }), differs],
    ['with overhead for a class without', byClass('light', { overhead: { cpu: '1' } }), differs],
    ['with overhead for a plain class', byClass('plain', { overhead: { cpu: '1' } }), unasked],
    ['with overhead for no class', { overhead: { cpu: '1' } }, unasked],
    ['with empty overhead for no class', { overhead: {} }, unasked],
    [
      'in another place',
      byClass('placed', { nodeSelector: { runtime: 'runc', arch: 'y' } }),
      `${rejected}conflict: runtimeClass.scheduling.nodeSelector[arch] = x; pod.spec.nodeSelector[arch] = y`,
    ],
  ])('judges a Pod %s', async (_, spec, expected) => {
    const object = pod(spec);
    expect(summaryOf(await runPlugin(runtimeClassPlugin, { object, cluster }), object)).toEqual(expected);
  });

  test.each([
    ['updates', { object: pod(byClass('gone')), oldObject: pod({}) }],
    ['subresources', { object: pod(byClass('gone')), subresource: 'status' }],
    ['other kinds', { object: { ...pod(byClass('gone')), kind: 'PodTemplate' } }],
  ])('leaves %s alone', async (_, request) => {
    expect(summaryOf(await runPlugin(runtimeClassPlugin, { ...request, cluster }), request.object)).toBe('unchanged');
  });

  test('judges what came out of the mutating walk again', async () => {
    const alone = validatingOnly(runtimeClassPlugin);
    const object = pod(byClass('heavy', { overhead: { cpu: '1' } }));
    expect(summaryOf(await runPlugin(alone, { object, cluster }), object)).toBe(differs);
  });
});
