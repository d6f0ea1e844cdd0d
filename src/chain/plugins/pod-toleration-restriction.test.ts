import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../json/json-value.ts';
import { runPlugin, summaryOf, testNamespace, validatingOnly } from '../../../test/run-plugin.ts';
import { podTolerationRestrictionPlugin } from './pod-toleration-restriction.ts';

const prefix = 'scheduler.alpha.kubernetes.io';
const namespace = (defaultTolerations?: unknown, tolerationsWhitelist?: unknown) => ({
  ...{ apiVersion: 'v1', kind: 'Namespace' },
  metadata: {
    name: testNamespace,
    annotations: {
      ...(defaultTolerations !== undefined && { [`${prefix}/defaultTolerations`]: textOf(defaultTolerations) }),
      ...(tolerationsWhitelist !== undefined && { [`${prefix}/tolerationsWhitelist`]: textOf(tolerationsWhitelist) }),
    },
  },
});
const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
const toleration = (key: string, over: JsonObject = {}): JsonObject => ({
  ...{ key, operator: 'Exists', effect: 'NoSchedule' },
  ...over,
});
const pod = (tolerations?: JsonObject[], resources?: JsonObject): JsonObject => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' } },
  spec: { containers: [{ name: 'main', ...(resources && { resources }) }], ...(tolerations && { tolerations }) },
});
const [a, b, memory] = [toleration('a'), toleration('b'), toleration('node.kubernetes.io/memory-pressure')];
const conflict =
  '500 : pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist';

describe('podTolerationRestrictionPlugin', () => {
  test.each<[string, ReturnType<typeof namespace>, JsonObject[] | undefined, JsonObject[] | string]>([
    ['nothing', namespace(), [a], 'unchanged'],
    ['empty defaults', namespace('', ''), [a], 'unchanged'],
    ['null defaults', namespace('null', 'null'), undefined, 'unchanged'],
    ['defaults', namespace([a]), undefined, [a]],
    ['more defaults', namespace([a, b]), [b], [b, a]],
    ['defaults the Pod covers', namespace([a]), [toleration('a', { effect: '' })], 'unchanged'],
    ['wider defaults', namespace([toleration('', { effect: '' })]), [a, b], [toleration('', { effect: '' })]],
    ['keys in any case', namespace([{ KEY: 'a', Operator: 'Exists', effect: 'NoSchedule', more: 1 }]), undefined, [a]],
    ['null among the defaults', namespace('[null]'), undefined, [{}]],
    ['a whitelist with it', namespace(undefined, [a, b]), [a], 'unchanged'],
    ['a whitelist wider than it', namespace(undefined, [toleration('', { effect: '' })]), [a], 'unchanged'],
    ['a whitelist and no tolerations', namespace(undefined, [b]), undefined, 'unchanged'],
    ['a whitelist without it', namespace(undefined, [b]), [a], conflict],
    ['a whitelist without its defaults', namespace([a], [b]), undefined, conflict],
    ['an empty whitelist', namespace(undefined, []), [a], 'unchanged'],
    ['no JSON', namespace('[}'), undefined, `500 : invalid character '}' looking for beginning of value`],
    [
      'another type',
      namespace({}),
      undefined,
      '500 : json: cannot unmarshal object into Go value of type []v1.Toleration',
    ],
    [
      'a whitelist of another type',
      namespace(undefined, [{ tolerationSeconds: 'x' }]),
      [a],
      '500 : json: cannot unmarshal string into Go struct field Toleration.tolerationSeconds of type int64',
    ],
  ])('with %s for the namespace', async (_, object, given, expected) => {
    const outcome = await runPlugin(podTolerationRestrictionPlugin, { object: pod(given), cluster: [object] });
    expect(summaryOf(outcome, pod(given))).toEqual(typeof expected === 'string' ? expected : pod(expected));
  });

  test.each<[string, JsonObject, boolean]>([
    ['nothing', {}, false],
    ['a device', { requests: { 'example.com/gpu': '1' } }, false],
    ['memory', { requests: { memory: '1Mi' } }, true],
    ['at most so much memory', { limits: { memory: '1Mi' } }, true],
    ['an amount of both', { requests: { cpu: '1', memory: '1' }, limits: { cpu: '1', memory: '1' } }, true],
  ])('for a Pod that asks for %s', async (_, resources, expected) => {
    const object = pod(undefined, resources);
    const tolerating = pod([memory], resources);
    const created = await runPlugin(podTolerationRestrictionPlugin, { object });
    expect(created.object).toEqual(expected ? tolerating : object);
    const updated = await runPlugin(podTolerationRestrictionPlugin, { object, oldObject: object });
    expect(updated.object).toEqual(expected ? tolerating : object);
  });

  test('gives no defaults on update, but judges', async () => {
    const object = pod([a]);
    const outcome = await runPlugin(podTolerationRestrictionPlugin, {
      ...{ object, oldObject: object },
      cluster: [namespace([b], [b])],
    });
    expect(summaryOf(outcome, object)).toBe(conflict);
  });

  test('refuses Pods of a namespace that is not there', async () => {
    const object = { ...pod(), metadata: { name: 'web', namespace: 'gone' } };
    const outcome = await runPlugin(podTolerationRestrictionPlugin, { object });
    expect(summaryOf(outcome, object)).toBe('404 NotFound: namespaces "gone" not found');
  });

  test.each([
    ['subresources', { object: pod([a]), subresource: 'status' }],
    ['other kinds', { object: { ...pod([a]), kind: 'PodTemplate' } }],
  ])('leaves %s alone', async (_, request) => {
    const outcome = await runPlugin(podTolerationRestrictionPlugin, { ...request, cluster: [namespace([b], [b])] });
    expect(summaryOf(outcome, request.object)).toBe('unchanged');
  });

  test('judges what came out of the mutating walk again', async () => {
    const alone = validatingOnly(podTolerationRestrictionPlugin);
    const outcome = await runPlugin(alone, { object: pod([a]), cluster: [namespace(undefined, [b])] });
    expect(summaryOf(outcome, pod([a]))).toBe(conflict);
  });
});
