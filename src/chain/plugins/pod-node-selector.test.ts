import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../json/json-value.ts';
import { runPlugin, summaryOf, testNamespace, validatingOnly } from '../../../test/run-plugin.ts';
import { podNodeSelectorPlugin } from './pod-node-selector.ts';

const namespace = (selector?: string) => ({
  ...{ apiVersion: 'v1', kind: 'Namespace' },
  metadata: {
    name: testNamespace,
    ...(selector !== undefined && { annotations: { 'scheduler.alpha.kubernetes.io/node-selector': selector } }),
  },
});
const pod = (nodeSelector?: JsonObject): JsonObject => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' } },
  spec: { containers: [{ name: 'main' }], ...(nodeSelector && { nodeSelector }) },
});
const conflict =
  '403 Forbidden: pods "web" is forbidden: pod node label selector conflicts with its namespace node label selector';

describe('podNodeSelectorPlugin', () => {
  test.each<[string, string | undefined, JsonObject | undefined, JsonObject | string]>([
    ['no annotation', undefined, undefined, 'unchanged'],
    ['an empty annotation', '', { disk: 'ssd' }, 'unchanged'],
    ['a selector', 'disk=ssd', undefined, { disk: 'ssd' }],
    ['a selector with blanks', ' disk = ssd , zone = ', undefined, { disk: 'ssd', zone: '' }],
    ['more than it says', 'disk=ssd,zone=a', { disk: 'ssd', arch: 'arm' }, { disk: 'ssd', zone: 'a', arch: 'arm' }],
    ['what it says', 'disk=ssd', { disk: 'ssd' }, 'unchanged'],
    ['the last of two values', 'disk=hdd,disk=ssd', undefined, { disk: 'ssd' }],
    ['something else', 'disk=ssd', { disk: 'hdd' }, conflict],
    ['no selector', 'disk', undefined, '500 : invalid selector: [disk]'],
    ['two equal signs', 'a=b,c==d', undefined, '500 : invalid selector: [c  d]'],
    ['a set', 'disk in (ssd)', undefined, '500 : invalid selector: [disk in (ssd)]'],
  ])('gives a Pod or refuses it: %s', async (_, selector, given, expected) => {
    const object = pod(given);
    const outcome = await runPlugin(podNodeSelectorPlugin, { object, cluster: [namespace(selector)] });
    expect(summaryOf(outcome, object)).toEqual(typeof expected === 'string' ? expected : pod(expected));
  });

  test.each([
    ['-a=b', '<nil>: Invalid value: "-a": name part must consist of'],
    ['a=b c', '[a]: Invalid value: "b c": a valid label must be'],
  ])('tells what is wrong with the selector %j', async (selector, start) => {
    const outcome = await runPlugin(podNodeSelectorPlugin, { object: pod(), cluster: [namespace(selector)] });
    expect(outcome.status).toMatchObject({ code: 500, message: expect.stringContaining(start) as string });
  });

  test('refuses Pods of a namespace that is not there', async () => {
    const object = { ...pod(), metadata: { name: 'web', namespace: 'gone' } };
    const expected = '500 InternalError: Internal error occurred: namespace gone does not exist';
    expect(summaryOf(await runPlugin(podNodeSelectorPlugin, { object }), object)).toBe(expected);
  });

  test.each([
    ['updates', { object: pod({ disk: 'hdd' }), oldObject: pod() }],
    ['subresources', { object: pod({ disk: 'hdd' }), subresource: 'status' }],
    ['other kinds', { object: { ...pod({ disk: 'hdd' }), kind: 'PodTemplate' } }],
  ])('leaves %s alone', async (_, request) => {
    const outcome = await runPlugin(podNodeSelectorPlugin, { ...request, cluster: [namespace('disk=ssd')] });
    expect(summaryOf(outcome, request.object)).toBe('unchanged');
  });

  test('judges what came out of the mutating walk again', async () => {
    const object = pod({ disk: 'hdd' });
    const alone = validatingOnly(podNodeSelectorPlugin);
    const outcome = await runPlugin(alone, { object, cluster: [namespace('disk=ssd')] });
    expect(summaryOf(outcome, object)).toBe(conflict);
  });
});
