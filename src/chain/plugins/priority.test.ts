import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../json/json-value.ts';
import { rawNumber } from '../../json/raw-number.ts';
import { runPlugin, summaryOf } from '../../../test/run-plugin.ts';
import { priorityPlugin } from './priority.ts';

const pod = (spec: JsonObject): JsonObject => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec });
const priorityClass = (name: string, value: number, over: JsonObject = {}): JsonObject => ({
  ...{ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name }, value },
  ...over,
});
const high = priorityClass('high', 100);
const patient = priorityClass('patient', 50, { preemptionPolicy: 'Never' });
const standard = priorityClass('standard', 10, { globalDefault: true });
const lower = priorityClass('lower', 5, { globalDefault: true });
const lowerPriority = { preemptionPolicy: 'PreemptLowerPriority' };

describe('priorityPlugin', () => {
  test.each([
    ['without classes', [], {}, { priority: 0, ...lowerPriority }],
    [
      'by its class',
      [high],
      { priorityClassName: 'high' },
      { priorityClassName: 'high', priority: 100, ...lowerPriority },
    ],
    [
      'by a patient class',
      [patient],
      { priorityClassName: 'patient' },
      { priorityClassName: 'patient', priority: 50, preemptionPolicy: 'Never' },
    ],
    ['by the default class', [high, standard], {}, { priorityClassName: 'standard', priority: 10, ...lowerPriority }],
    ['by the lowest of two', [standard, lower], {}, { priorityClassName: 'lower', priority: 5, ...lowerPriority }],
    [
      'by a system class',
      [],
      { priorityClassName: 'system-node-critical' },
      { priorityClassName: 'system-node-critical', priority: 2000001000, ...lowerPriority },
    ],
    [
      'as it says itself',
      [high],
      { priorityClassName: 'high', priority: 100 },
      { priorityClassName: 'high', priority: 100, ...lowerPriority },
    ],
    // As exact reading keeps it.
    [
      'as it says in a raw number',
      [],
      { priority: rawNumber('0') as unknown as JsonObject },
      { priority: 0, ...lowerPriority },
    ],
  ])('gives a new Pod its priority %s', async (_, cluster, spec, expected) => {
    expect((await runPlugin(priorityPlugin, { object: pod(spec), cluster })).object).toEqual(pod(expected));
  });

  const computed = 'must not be provided in pod spec; priority admission controller computed';
  test.each([
    [[], { priorityClassName: 'none' }, 'no PriorityClass with name none was found'],
    [
      [high],
      { priorityClassName: 'high', priority: 7 },
      `the integer value of priority (7) ${computed} 100 from the given PriorityClass name`,
    ],
    [
      [],
      { preemptionPolicy: 'Never' },
      `the string value of PreemptionPolicy (Never) ${computed} PreemptLowerPriority from the given PriorityClass name`,
    ],
  ])('refuses a Pod: %j %j', async (cluster, spec, reason) => {
    const object = pod(spec);
    const outcome = await runPlugin(priorityPlugin, { object, cluster });
    expect(summaryOf(outcome, object)).toBe(`403 Forbidden: pods "web" is forbidden: ${reason}`);
  });

  test('keeps the priority on update', async () => {
    const oldObject = pod({ priority: 3, preemptionPolicy: 'Never' });
    expect((await runPlugin(priorityPlugin, { object: pod({}), oldObject })).object).toEqual(oldObject);
    const said = pod({ priority: 4, preemptionPolicy: 'Never' });
    expect(summaryOf(await runPlugin(priorityPlugin, { object: said, oldObject }), said)).toBe('unchanged');
  });

  const second =
    'priorityclasses.scheduling.k8s.io "second" is forbidden: PriorityClass standard is already marked as default. Only one default can exist';
  test.each([
    [
      'a second default',
      [standard],
      priorityClass('second', 1, { globalDefault: true }),
      undefined,
      `403 Forbidden: ${second}`,
    ],
    [
      'a class made the second default',
      [standard],
      priorityClass('second', 1, { globalDefault: true }),
      priorityClass('second', 1),
      `403 Forbidden: ${second}`,
    ],
    ['an update of the default', [standard], standard, standard, 'unchanged'],
    ['the first default', [high], standard, undefined, 'unchanged'],
    ['no default', [standard], high, undefined, 'unchanged'],
  ])('judges %s', async (_, cluster, object, oldObject, expected) => {
    const outcome = await runPlugin(priorityPlugin, { object, cluster, ...(oldObject && { oldObject }) });
    expect(summaryOf(outcome, object)).toBe(expected);
  });
});
