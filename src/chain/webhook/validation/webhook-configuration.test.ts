import { describe, expect, it } from 'vitest';
import type { MutatingWebhook, MutatingWebhookConfiguration } from '../../../api/webhook-configuration.ts';
import { defaultWebhookConfiguration, validateWebhookConfiguration } from '../../index.ts';

/** New objects are held against the API server in test/golden/chain/configurations.test.ts; here are updates. */

function configuration(...webhooks: Partial<MutatingWebhook>[]): MutatingWebhookConfiguration {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'hooks' },
    webhooks: webhooks.map((over, index) => ({
      name: `h${index}.example.com`,
      clientConfig: { url: 'https://example.com' },
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      ...over,
    })),
  };
}

const badValue = { matchExpressions: [{ key: 'a', operator: 'In' as const, values: ['not ok'] }] };
const badLabel = { matchLabels: { a: 'not ok' } };
const uncompilable = [{ name: 'c', expression: 'nothing' }];

/** What is wrong, and whether an update of an object that has it already is let pass. */
const faults: readonly (readonly [string, Partial<MutatingWebhook>, boolean])[] = [
  ['side effects', { sideEffects: 'Some' }, true],
  ['no review version that we know', { admissionReviewVersions: ['v9'] }, true],
  ['a name given twice', { name: 'same.example.com' }, true],
  ['a value of a selector', { objectSelector: badValue }, true],
  ['a label of a selector', { objectSelector: badLabel }, false],
  ['a condition that does not compile', { matchConditions: uncompilable }, true],
  ['a timeout', { timeoutSeconds: 99 }, false],
  ['an operation', { rules: [{ operations: [], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }] }, false],
];

describe.each(faults)('validateWebhookConfiguration() of an update with %s', (_, fault, isLetPass) => {
  const faulty = configuration(fault, fault);

  it('refuses it when the stored object is right', () => {
    expect(validateWebhookConfiguration(faulty, configuration({}, {}))).not.toEqual([]);
  });

  it(
    isLetPass ? 'lets it pass when the stored object has it too' : 'refuses it though the stored object has it too',
    () => {
      expect(validateWebhookConfiguration(faulty, faulty).length === 0).toBe(isLetPass);
    },
  );
});

describe('validateWebhookConfiguration() of an update', () => {
  it('looks at conditions again when any webhook has others', () => {
    const stored = configuration({ matchConditions: uncompilable }, {});
    const changed = configuration(
      { matchConditions: uncompilable },
      { matchConditions: [{ name: 'c', expression: 'true' }] },
    );
    expect(validateWebhookConfiguration(changed, stored).map(({ field }) => field)).toEqual([
      'webhooks[0].matchConditions[0].expression',
    ]);
  });

  it('lets a reserved name pass', () => {
    const stored = { ...configuration({}), metadata: { name: 'x.static.k8s.io' } };
    expect(validateWebhookConfiguration(stored, stored)).toEqual([]);
    expect(validateWebhookConfiguration(stored)).not.toEqual([]);
  });
});

describe('defaultWebhookConfiguration()', () => {
  it('fills in what the API server fills in', () => {
    const rules: MutatingWebhook['rules'] = [
      { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] },
    ];
    const given = configuration({ clientConfig: { service: { name: 'n', namespace: 'ns' } }, rules });
    expect(defaultWebhookConfiguration(given).webhooks).toEqual([
      {
        name: 'h0.example.com',
        clientConfig: { service: { name: 'n', namespace: 'ns', port: 443 } },
        rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], scope: '*' }],
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        failurePolicy: 'Fail',
        matchPolicy: 'Equivalent',
        namespaceSelector: {},
        objectSelector: {},
        timeoutSeconds: 10,
        reinvocationPolicy: 'Never',
      },
    ]);
  });

  it('leaves what is said', () => {
    const given = configuration({
      failurePolicy: 'Ignore',
      matchPolicy: 'Exact',
      timeoutSeconds: 3,
      reinvocationPolicy: 'IfNeeded',
    });
    expect(defaultWebhookConfiguration(given).webhooks?.[0]).toMatchObject(given.webhooks?.[0] ?? {});
  });

  it('gives validating webhooks no reinvocationPolicy', () => {
    const { webhooks } = configuration({});
    const validating = {
      ...configuration(),
      kind: 'ValidatingWebhookConfiguration' as const,
      webhooks: webhooks ?? [],
    };
    expect(defaultWebhookConfiguration(validating).webhooks?.[0]).not.toHaveProperty('reinvocationPolicy');
  });
});
