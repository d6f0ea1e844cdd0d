import { describe, expect, it } from 'vitest';
import { ResourceCatalog } from '../index.ts';
import { matchRules } from './equivalents.ts';

const rule = (version: string) => ({
  operations: ['*' as const],
  apiGroups: ['example.com'],
  apiVersions: [version],
  resources: ['widgets'],
});
const resource = (version: string) => ({ group: 'example.com', version, resource: 'widgets' });
const request = {
  operation: 'CREATE' as const,
  resource: resource('v1'),
  kind: { group: 'example.com', version: 'v1', kind: 'Widget' },
  subresource: '',
  namespace: 'a',
};
const versions = {
  equivalentResourcesFor: () => ['v1', 'v2', 'v3'].map(resource),
  kindFor: ({ version }: { version: string }) =>
    version === 'v3' ? undefined : { group: 'example.com', version, kind: 'Widget' },
};

describe('matchRules()', () => {
  it('prefers the requested resource to all equivalents', () => {
    const rules = [rule('v2'), rule('v1')];
    expect(matchRules(rules, 'Equivalent', request, versions)).toMatchObject({
      resource: resource('v1'),
      equivalent: false,
    });
  });

  it('takes the first rule that covers an equivalent', () => {
    const rules = [rule('v9'), rule('v2'), rule('v3')];
    expect(matchRules(rules, 'Equivalent', request, versions)).toMatchObject({
      resource: resource('v2'),
      equivalent: true,
    });
  });

  it.each(['Exact', undefined] as const)('looks for no equivalent when matchPolicy is %s', (matchPolicy) => {
    expect(matchRules([rule('v2')], matchPolicy, request, versions)).toBeUndefined();
  });

  it('says when the equivalent has no kind', () => {
    expect(matchRules([rule('v3')], 'Equivalent', request, versions)).toEqual({ unknownKind: resource('v3') });
  });

  it('finds events in both of their groups', () => {
    const catalog = new ResourceCatalog();
    const events = { group: '', version: 'v1', resource: 'events' };
    const groups = catalog
      .objectInterfaces(events)
      .equivalentResourcesFor(events, '')
      .map(({ group }) => group);
    expect(groups).toEqual(['', 'events.k8s.io']);
  });
});
