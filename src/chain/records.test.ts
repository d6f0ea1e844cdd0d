import { describe, expect, it } from 'vitest';
import { AuditAnnotations, InMemoryClusterState, ResourceCatalog, Warnings } from './index.ts';
import { fillDefaults } from './structural-defaults.ts';
import { newAdmissionForbidden, newInvalid } from './status-error.ts';
import type { Attributes } from './index.ts';

describe('Warnings', () => {
  it.each([
    ['one', ['a'], ['a']],
    ['repetitions', ['a', 'b', 'a'], ['a', 'b']],
    ['empty texts', ['', 'a'], ['a']],
    ['control characters', ['a\nb', 'c'], ['c']],
    ['all that fit', ['a'.repeat(4000), 'b'.repeat(96)], ['a'.repeat(4000), 'b'.repeat(96)]],
    ['too much, cut', ['a'.repeat(4000), 'b'.repeat(97)], ['a'.repeat(256), 'b'.repeat(97)]],
  ])('keeps %s', (_, texts, kept) => {
    const warnings = new Warnings();
    for (const text of texts) warnings.add(text);
    expect(warnings.texts).toEqual(kept);
  });

  it('takes none once the cut ones fill the limit', () => {
    const warnings = new Warnings();
    for (let index = 0; index < 40; index++) warnings.add(`${index}-${'x'.repeat(300)}`);
    expect(warnings.texts).toHaveLength(16);
  });
});

describe('AuditAnnotations', () => {
  it('keeps the first value of a key', () => {
    const annotations = new AuditAnnotations();
    expect(annotations.add('a.example/key', 'one')).toBeUndefined();
    expect(annotations.add('a.example/key', 'one')).toBeUndefined();
    expect(annotations.add('a.example/key', 'two')).toContain('not allowd to be overwritten');
    expect(annotations.entries).toEqual({ 'a.example/key': { value: 'one', level: 'Metadata' } });
  });

  it.each(['key', 'a/b/c', '/key', 'a.example/', 'a.example/-', 'not ok/key'])('refuses the key %j', (key) => {
    const annotations = new AuditAnnotations();
    expect(annotations.add(key, 'x')).toContain('annotation key has invalid format');
    expect(annotations.entries).toEqual({});
  });
});

describe('InMemoryClusterState', () => {
  const state = new InMemoryClusterState([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'b' } },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a', labels: { x: 'y' } } },
    { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'l', namespace: 'a' } },
    { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'l', namespace: 'ab' } },
    { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'fast' } },
  ]);

  it('finds objects by resource, namespace and name', () => {
    expect(state.get('limitranges', 'l', 'a')?.metadata).toEqual({ name: 'l', namespace: 'a' });
    expect(state.get('limitranges', 'l')).toBeUndefined();
    expect(state.get('storageclasses.storage.k8s.io', 'fast')?.metadata?.name).toBe('fast');
  });

  it('lists all, or those of one namespace', () => {
    expect(state.list('namespaces').map(({ metadata }) => metadata?.name)).toEqual(['a', 'b']);
    expect(state.list('limitranges').map(({ metadata }) => metadata?.namespace)).toEqual(['a', 'ab']);
    expect(state.list('limitranges', 'a')).toHaveLength(1);
    expect(state.list('resourcequotas')).toEqual([]);
  });

  it('labels namespaces with their name', () => {
    expect(state.get('namespaces', 'a')?.metadata?.labels).toEqual({ 'kubernetes.io/metadata.name': 'a', x: 'y' });
  });

  it('forgets and makes objects', () => {
    const own = new InMemoryClusterState([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } }]);
    own.remove({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } });
    expect(own.get('namespaces', 'a')).toBeUndefined();
    own.createNamespace('a');
    expect(own.get('namespaces', 'a')?.status).toEqual({ phase: 'Active' });
  });
});

describe('ResourceCatalog', () => {
  const pods = { group: '', version: 'v1', resource: 'pods' };
  const objectInterfaces = new ResourceCatalog().objectInterfaces(pods);

  it.each([
    ['', 'Pod'],
    ['exec', 'PodExecOptions'],
    ['eviction', 'Eviction'],
    ['nothing', undefined],
  ])('knows the kind of pods/%s', (subresource, kind) => {
    expect(objectInterfaces.kindFor(pods, subresource)?.kind).toBe(kind);
  });

  it('asks the converter that was handed in', () => {
    const converter = new ResourceCatalog([], (object, { version }) => ({
      ...object,
      apiVersion: `autoscaling/${version}`,
      converted: true,
    }));
    const scalers = { group: 'autoscaling', version: 'v2', resource: 'horizontalpodautoscalers' };
    const object = { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' };
    const kind = { group: 'autoscaling', version: 'v1', kind: 'HorizontalPodAutoscaler' };
    expect(converter.objectInterfaces(scalers).convert(object, kind)).toEqual({
      ...object,
      apiVersion: 'autoscaling/v1',
      converted: true,
    });
  });
});

describe('fillDefaults()', () => {
  const schema = {
    properties: {
      size: { default: 3 },
      mode: { default: 'a', nullable: true },
      parts: { items: { properties: { on: { default: true } } } },
      named: { additionalProperties: { properties: { on: { default: true } } } },
      inner: { default: {}, properties: { deep: { default: 'x' } } },
    },
  };

  it.each([
    [{}, { size: 3, mode: 'a', inner: { deep: 'x' } }],
    [
      { size: null, mode: null, inner: { deep: 'y' } },
      { size: 3, mode: null, inner: { deep: 'y' } },
    ],
    [
      { parts: [{}, { on: false }] },
      { parts: [{ on: true }, { on: false }], size: 3, mode: 'a', inner: { deep: 'x' } },
    ],
    [{ named: { a: {} } }, { named: { a: { on: true } }, size: 3, mode: 'a', inner: { deep: 'x' } }],
  ])('of %j gives %j', (object, filled) => {
    const before = structuredClone(object);
    expect(fillDefaults(object, schema)).toEqual(filled);
    expect(object).toEqual(before);
  });

  it('gives the object itself where there is nothing to fill in', () => {
    const object = { a: 1 };
    expect(fillDefaults(object, { properties: { a: {} } })).toBe(object);
  });
});

describe('newAdmissionForbidden() names', () => {
  const request = (name: string, object: Attributes['object']): Attributes => ({
    operation: 'CREATE',
    kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
    resource: { group: 'apps', version: 'v1', resource: 'deployments' },
    subresource: '',
    name,
    namespace: 'a',
    object,
    oldObject: null,
    options: null,
    dryRun: false,
    userInfo: {},
  });

  it.each([
    ['the request', request('web', null), 'web'],
    ['the object', request('', { metadata: { name: 'web' } }), 'web'],
    ['the beginning of a name', request('', { metadata: { generateName: 'web-' } }), 'web-'],
    ['nothing', request('', { metadata: {} }), 'Unknown'],
    ['no object', request('', null), 'Unknown'],
    ['an object without metadata', request('', { kind: 'PodExecOptions' }), 'Unknown/errorGettingName'],
  ])('%s', (_, attributes, name) => {
    expect(newAdmissionForbidden(attributes, 'no')).toMatchObject({
      code: 403,
      message: `deployments.apps "${name}" is forbidden: no`,
      details: { name, group: 'apps', kind: 'deployments' },
    });
  });
});

it('newInvalid() tells repeated errors once in its message', () => {
  const error = { field: 'spec.a', reason: 'FieldValueRequired', body: 'Required value' };
  expect(
    newInvalid({ group: 'apps', kind: 'Deployment' }, 'web', [error, error, { ...error, field: 'spec.b' }]),
  ).toMatchObject({
    message: 'Deployment.apps "web" is invalid: [spec.a: Required value, spec.b: Required value]',
    details: { causes: [{ field: 'spec.a' }, { field: 'spec.a' }, { field: 'spec.b' }] },
  });
});
