import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defineMutator, defineValidator, WebhookRegistry } from '../admission/index.ts';
import { buildConfigurations, findHazards, type ConfigurationOptions } from './index.ts';

const handler = (): void => undefined;
const mutate = (name: string) =>
  defineMutator({ name: `${name}.example.com`, resource: 'pods', operations: ['CREATE'], handler });
const validate = (name: string, change: object = {}) =>
  defineValidator({ name: `${name}.example.com`, resource: 'pods', operations: ['CREATE'], handler, ...change });

const options: ConfigurationOptions = {
  name: 'sallyport',
  address: { url: 'https://127.0.0.1:8443' },
  caBundle: 'PEM',
  excludedNamespaces: ['kube-system', 'gate'],
  labels: { a: 'b' },
};

describe('buildConfigurations()', () => {
  it('writes every field out, for the url form', () => {
    expect(buildConfigurations(new WebhookRegistry([mutate('defaults')]), options)).toEqual([
      {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'MutatingWebhookConfiguration',
        metadata: { name: 'sallyport', labels: { a: 'b' } },
        webhooks: [
          {
            name: 'defaults.example.com',
            clientConfig: { url: 'https://127.0.0.1:8443/mutate/defaults.example.com', caBundle: 'UEVN' },
            rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], scope: '*' }],
            failurePolicy: 'Fail',
            matchPolicy: 'Equivalent',
            namespaceSelector: {
              matchExpressions: [
                { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['gate', 'kube-system'] },
              ],
            },
            objectSelector: {},
            sideEffects: 'None',
            timeoutSeconds: 3,
            admissionReviewVersions: ['v1'],
            reinvocationPolicy: 'Never',
          },
        ],
      },
    ]);
  });

  it('writes the service form with path and port', () => {
    const address = { service: { namespace: 'gate', name: 'sallyport' } };
    const [configuration] = buildConfigurations(new WebhookRegistry([validate('a')]), { ...options, address });
    expect(configuration?.webhooks?.[0]?.clientConfig).toEqual({
      service: { namespace: 'gate', name: 'sallyport', port: 443, path: '/validate/a.example.com' },
      caBundle: 'UEVN',
    });
  });

  it('keeps the selector of the webhook beside the exclusion', () => {
    const namespaceSelector = {
      matchLabels: { team: 'a' },
      matchExpressions: [{ key: 'x', operator: 'Exists' as const }],
    };
    const [configuration] = buildConfigurations(new WebhookRegistry([validate('a', { namespaceSelector })]), options);
    expect(configuration?.webhooks?.[0]?.namespaceSelector).toMatchObject({
      matchLabels: { team: 'a' },
      matchExpressions: [{ key: 'x' }, { key: 'kubernetes.io/metadata.name' }],
    });
  });

  it('gives nothing for a kind without webhooks', () => {
    expect(buildConfigurations(new WebhookRegistry(), options)).toEqual([]);
    expect(buildConfigurations(new WebhookRegistry([validate('a')]), options).map(({ kind }) => kind)).toEqual([
      'ValidatingWebhookConfiguration',
    ]);
  });

  it('gives the same whatever the order of registration', () => {
    const definitions = ['c', 'a', 'b'].flatMap((name) => [mutate(`m-${name}`), validate(`v-${name}`)]);
    const expected = JSON.stringify(buildConfigurations(new WebhookRegistry(definitions), options));
    fc.assert(
      fc.property(fc.shuffledSubarray(definitions, { minLength: definitions.length }), (shuffled) => {
        expect(JSON.stringify(buildConfigurations(new WebhookRegistry(shuffled), options))).toBe(expected);
      }),
    );
  });
});

describe('findHazards()', () => {
  const safe = { ownNamespace: 'gate', excludedNamespaces: ['kube-system', 'gate'] };
  const rules = (resources: string[], change: object = {}) => ({
    resource: undefined,
    operations: undefined,
    rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources, ...change }],
  });

  it.each([
    ['pods, with the usual exclusions', {}, safe],
    [
      'everything, but ignored on failure',
      { ...rules(['*/*']), failurePolicy: 'Ignore' },
      { ownNamespace: 'gate', excludedNamespaces: [] },
    ],
    ['leases of another group', rules(['leases'], { apiGroups: ['example.com'] }), safe],
    ['the proxy to nodes', rules(['nodes/proxy'], { apiGroups: [''] }), safe],
    [
      'leases outside kube-node-lease',
      rules(['leases']),
      { ...safe, excludedNamespaces: [...safe.excludedNamespaces, 'kube-node-lease'] },
    ],
  ])('finds none for %s', (_name, change, where) => {
    expect(findHazards(new WebhookRegistry([validate('a', change)]), where)).toEqual([]);
  });

  it.each([
    ['leases', rules(['leases']), safe, /leases/],
    ['nodes', rules(['nodes'], { apiGroups: [''] }), safe, /nodes/],
    ['node status only', rules(['*/status'], { apiGroups: [''] }), safe, /nodes/],
    ['every resource', rules(['*']), safe, /leases[\s\S]*nodes/],
    ['kube-system', {}, { ownNamespace: 'gate', excludedNamespaces: ['gate'] }, /kube-system/],
    ['its own namespace', {}, { ownNamespace: 'gate', excludedNamespaces: ['kube-system'] }, /own namespace gate/],
    [
      'custom resources in kube-system',
      rules(['widgets'], { apiGroups: ['example.com'] }),
      { ownNamespace: undefined, excludedNamespaces: [] },
      /kube-system/,
    ],
  ])('finds one for %s', (_name, change, where, expected) => {
    expect(findHazards(new WebhookRegistry([validate('a', change)]), where).join('\n')).toMatch(expected);
  });
});
