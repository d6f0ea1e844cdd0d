import { describe, expect, it } from 'vitest';
import { defineMutator, defineValidator, WebhookRegistry } from '../admission/index.ts';
import { findTimeoutHazard } from './timeouts.ts';

const handler = (): void => undefined;
const on = (resource: string, timeoutSeconds: number, name: string, more: object = {}) =>
  defineMutator({
    name: `${name}.example.com`,
    resource,
    operations: ['CREATE', 'UPDATE'],
    timeoutSeconds,
    handler,
    ...more,
  });
const rule = (apiGroups: string[], resources: string[], more: object = {}) => ({
  apiGroups,
  apiVersions: ['v1'],
  resources,
  operations: ['CREATE' as const],
  ...more,
});
const byRules = (name: string, timeoutSeconds: number, ...rules: ReturnType<typeof rule>[]) =>
  defineMutator({ name: `${name}.example.com`, rules, timeoutSeconds, handler });

describe('findTimeoutHazard()', () => {
  it.each([
    ['eleven with the default of 3 s', Array.from({ length: 11 }, (_, index) => on('pods', 3, `m${index}`)), undefined],
    ['34 s', [on('pods', 30, 'a'), on('pods', 4, 'b')], undefined],
    [
      '35 s',
      [on('pods', 30, 'a'), on('pods', 5, 'b')],
      'CREATE of pods may take 35 s in a.example.com (30 s), b.example.com (5 s), and the API server gives up after 34 s; ' +
        'lower timeoutSeconds so that their sum is less',
    ],
    ['different resources', [on('pods', 30, 'a'), on('services', 30, 'b')], undefined],
    [
      'one that may be called twice',
      [on('pods', 20, 'a', { reinvocationPolicy: 'IfNeeded' })],
      'CREATE of pods may take 40 s in a.example.com (twice 20 s)',
    ],
    [
      'one for everything beside one for pods',
      [on('pods', 20, 'a'), byRules('b', 20, rule(['*'], ['*']))],
      'CREATE of pods may take 40 s in a.example.com (20 s), b.example.com (20 s)',
    ],
    [
      'one for all subresources',
      [byRules('a', 20, rule([''], ['pods/*'])), byRules('b', 20, rule([''], ['pods/status']))],
      'CREATE of pods/status may take 40 s',
    ],
    [
      'cluster-scoped beside namespaced',
      [
        byRules('a', 20, rule(['*'], ['*'], { scope: 'Cluster' })),
        byRules('b', 20, rule(['*'], ['*'], { scope: 'Namespaced' })),
      ],
      undefined,
    ],
    [
      'validating ones, which run side by side',
      Array.from({ length: 4 }, (_, index) =>
        defineValidator({
          name: `v${index}.example.com`,
          resource: 'pods',
          operations: ['CREATE'],
          timeoutSeconds: 30,
          handler,
        }),
      ),
      undefined,
    ],
    ['none', [], undefined],
  ])('of %s says %s', (_name, definitions, expected) => {
    const hazard = findTimeoutHazard(new WebhookRegistry(definitions));
    if (expected === undefined) expect(hazard).toBeUndefined();
    else expect(hazard).toContain(expected);
  });
});
