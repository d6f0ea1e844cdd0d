import { describe, expect, it } from 'vitest';
import type { LabelSelector } from '../../api/webhook-configuration.ts';
import { selectNamespace, selectObject, type NamespaceSelectorAttributes } from '../index.ts';

const prod: LabelSelector = { matchLabels: { env: 'prod' } };
const notProd: LabelSelector = { matchExpressions: [{ key: 'env', operator: 'NotIn', values: ['prod'] }] };
const broken = { matchExpressions: [{ key: 'env', operator: 'Is', values: ['prod'] }] } as unknown as LabelSelector;

const stored = new Map([
  ['shop', { metadata: { name: 'shop', labels: { env: 'prod' } } }],
  ['lab', { metadata: { name: 'lab' } }],
]);
const lookup = (name: string) => stored.get(name);

function request(
  over: Partial<NamespaceSelectorAttributes> & { readonly plural?: string },
): NamespaceSelectorAttributes {
  const { plural = 'pods', ...rest } = over;
  return {
    operation: 'CREATE',
    resource: { group: '', version: 'v1', resource: plural },
    subresource: '',
    namespace: 'shop',
    object: {},
    ...rest,
  };
}

const namespaceObject = (env: string) => ({ metadata: { name: 'x', labels: { env } } });

describe('selectNamespace() matches', () => {
  it.each<[string, LabelSelector | undefined, Parameters<typeof request>[0]]>([
    ['the labels of the stored namespace', prod, {}],
    ['anything when it is empty', {}, { namespace: 'gone' }],
    ['a cluster-scoped request, whatever it says', prod, { namespace: '', plural: 'nodes' }],
    ['a cluster-scoped request, even when it is broken', broken, { namespace: '', plural: 'nodes' }],
    [
      'the new labels of a namespace being created',
      prod,
      { plural: 'namespaces', namespace: 'lab', object: namespaceObject('prod') },
    ],
    [
      'the new labels of a namespace being updated',
      prod,
      { plural: 'namespaces', operation: 'UPDATE', namespace: 'lab', object: namespaceObject('prod') },
    ],
    [
      'the stored labels of a namespace being deleted',
      prod,
      { plural: 'namespaces', operation: 'DELETE', object: null },
    ],
    [
      'the stored labels for a subresource of a namespace',
      prod,
      { plural: 'namespaces', subresource: 'finalize', operation: 'UPDATE', object: namespaceObject('dev') },
    ],
    ['a namespace without labels by what it lacks', notProd, { namespace: 'lab' }],
  ])('%s', (_, selector, attributes) => {
    expect(selectNamespace(selector, request(attributes), lookup)).toEqual({ kind: 'matched' });
  });
});

describe('selectNamespace() does not match', () => {
  it.each<[string, LabelSelector | undefined, Parameters<typeof request>[0]]>([
    ['other labels', notProd, {}],
    ['no labels', prod, { namespace: 'lab' }],
    ['anything when it is absent', undefined, {}],
    [
      'the new labels of a namespace being created',
      prod,
      { plural: 'namespaces', namespace: 'shop', object: namespaceObject('dev') },
    ],
  ])('%s', (_, selector, attributes) => {
    expect(selectNamespace(selector, request(attributes), lookup)).toEqual({ kind: 'notMatched' });
  });
});

describe('selectNamespace() fails', () => {
  it('with 404 when there is no such namespace', () => {
    expect(selectNamespace(prod, request({ namespace: 'gone' }), lookup)).toMatchObject({
      kind: 'failed',
      status: { code: 404, reason: 'NotFound', message: 'namespaces "gone" not found' },
    });
  });

  it('with 500 when the selector cannot be read', () => {
    expect(selectNamespace(broken, request({}), lookup)).toMatchObject({
      kind: 'failed',
      status: { code: 500, message: 'Internal error occurred: "Is" is not a valid label selector operator' },
    });
  });
});

const labelled = (labels?: { [key: string]: string | null }) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: labels === undefined ? {} : { labels },
});
const options = { apiVersion: 'v1', kind: 'PodExecOptions' };

describe('selectObject()', () => {
  it.each([
    ['an empty selector, though there is no object', {}, null, null, 'matched'],
    ['the new object', prod, labelled({ env: 'prod' }), null, 'matched'],
    ['the old object alone', prod, labelled({ env: 'dev' }), labelled({ env: 'prod' }), 'matched'],
    ['neither', prod, labelled({ env: 'dev' }), labelled(), 'notMatched'],
    ['no labels by what is lacking', notProd, labelled(), null, 'matched'],
    ['no object, not even by what is lacking', notProd, null, null, 'notMatched'],
    ['what has no metadata, not even by what is lacking', notProd, options, null, 'notMatched'],
    ['the old object of a deletion', prod, null, labelled({ env: 'prod' }), 'matched'],
    ['an absent selector', undefined, labelled({ env: 'prod' }), null, 'notMatched'],
    ['a null label as the empty text', { matchLabels: { env: '' } }, labelled({ env: null }), null, 'matched'],
    ['labels that are no texts as none', notProd, { metadata: { labels: { env: 7 } } }, null, 'matched'],
  ] as const)('%s: %s', (_, selector, object, oldObject, kind) => {
    // The tables are frozen; the function does not write.
    expect(selectObject(selector as LabelSelector, object as never, oldObject as never)).toEqual({ kind });
  });

  it('fails with 500 when the selector cannot be read', () => {
    expect(selectObject(broken, labelled(), null)).toMatchObject({ kind: 'failed', status: { code: 500 } });
  });
});
