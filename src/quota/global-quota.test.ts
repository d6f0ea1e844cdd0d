import { describe, expect, it } from 'vitest';
import { parseLabelSelector } from '../api/label-selector.ts';
import { globalQuotaKind, selects, type GlobalQuota } from './global-quota.ts';

const parse = (spec: object, metadata: object = {}) =>
  globalQuotaKind.parse({ metadata: { name: 'team-a', ...metadata }, ...{ spec } });

const accepted = (spec: object, metadata?: object): GlobalQuota => {
  const parsed = parse(spec, metadata);
  if (!('object' in parsed)) throw new Error(JSON.stringify(parsed.problems));
  return parsed.object;
};

const problems = (spec: object): string[] => {
  const parsed = parse(spec);
  if ('object' in parsed) return [];
  return parsed.problems.map(({ path, message }) => `${path.join('.')}: ${message}`);
};

describe('globalQuotaKind.parse()', () => {
  it('fills in every default', () => {
    const quota = accepted({ hard: { 'requests.cpu': 400, pods: '20' } });
    expect(quota).toMatchObject({
      name: 'team-a',
      id: 'team-a',
      generation: 0,
      scopes: {},
      mode: 'enforce',
      onFault: 'refuse',
      warnAtPercent: 80,
      clusters: { isEverything: true },
      namespaces: { isEverything: true },
    });
    expect([...quota.hard].map(([name, limit]) => `${name}=${String(limit)}`)).toEqual(['requests.cpu=400', 'pods=20']);
    expect(quota.perCluster.size + quota.perNamespace.size).toBe(0);
  });

  it('is known to the ledger by its uid', () => {
    expect(accepted({ hard: { pods: 1 } }, { uid: 'u-1', generation: 3 })).toMatchObject({ id: 'u-1', generation: 3 });
  });

  it.each<{ name: string; spec: object }>([
    {
      name: 'every kind of name',
      spec: { hard: hardOf('cpu', 'limits.memory', 'requests.storage', 'services.loadbalancers') },
    },
    { name: 'hugepages', spec: { hard: hardOf('hugepages-2Mi', 'requests.hugepages-1Gi') } },
    { name: 'extended resources', spec: { hard: hardOf('requests.example.com/gpu') } },
    { name: 'counts', spec: { hard: hardOf('count/deployments.apps', 'count/widgets.example.com') } },
    { name: 'storage classes', spec: { hard: hardOf('fast.storageclass.storage.k8s.io/requests.storage') } },
    { name: 'zero', spec: { hard: { 'services.nodeports': 0 } } },
    {
      name: 'scopes of Pods',
      spec: { hard: hardOf('pods', 'requests.cpu'), scopes: ['NotBestEffort', 'NotTerminating'] },
    },
    {
      name: 'a priority class',
      spec: {
        hard: hardOf('pods'),
        scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] },
      },
    },
    {
      name: 'a scope of claims',
      spec: {
        hard: hardOf('requests.storage'),
        scopeSelector: { matchExpressions: [{ scopeName: 'VolumeAttributesClass', operator: 'Exists' }] },
      },
    },
    {
      name: 'selections and ceilings',
      spec: {
        hard: hardOf('pods', 'cpu'),
        clusters: { names: ['eu-1'], selector: { matchLabels: { region: 'eu' } } },
        namespaces: { selector: { matchExpressions: [{ key: 'team', operator: 'In', values: ['a'] }] } },
        perCluster: hardOf('pods'),
        perNamespace: hardOf('cpu'),
      },
    },
  ])('accepts $name', ({ spec }) => {
    expect(problems(spec)).toEqual([]);
  });

  it.each<{ name: string; spec: object; problem: string }>([
    { name: 'nothing', spec: {}, problem: 'spec.hard: Invalid input' },
    { name: 'an empty hard', spec: { hard: {} }, problem: 'spec.hard: names no resource' },
    {
      name: 'a misspelt name',
      spec: { hard: hardOf('request.cpu') },
      problem: 'spec.hard.request.cpu: is no resource',
    },
    { name: 'an illegal name', spec: { hard: hardOf('a b') }, problem: 'spec.hard.a b: name part must consist' },
    { name: 'no quantity', spec: { hard: { pods: 'many' } }, problem: 'spec.hard.pods: "many" is no quantity' },
    { name: 'a negative limit', spec: { hard: { pods: '-1' } }, problem: 'spec.hard.pods: -1 is negative' },
    { name: 'an unknown field', spec: { hard: hardOf('pods'), namespace: 'x' }, problem: 'spec: Unrecognized key' },
    { name: 'an unknown mode', spec: { hard: hardOf('pods'), mode: 'deny' }, problem: 'spec.mode: Invalid option' },
    {
      name: 'a share above 100',
      spec: { hard: hardOf('pods'), warnAtPercent: 101 },
      problem: 'spec.warnAtPercent: Too big',
    },
    {
      name: 'a ceiling of what hard lacks',
      spec: { hard: hardOf('pods'), perCluster: hardOf('cpu') },
      problem: 'spec.perCluster.cpu: is not in spec.hard, which has pods',
    },
    {
      name: 'a selection of nothing',
      spec: { hard: hardOf('pods'), clusters: {} },
      problem: 'spec.clusters: selects nothing',
    },
    {
      name: 'an impossible selector',
      spec: {
        hard: hardOf('pods'),
        namespaces: { selector: { matchExpressions: [{ key: 'team', operator: 'In', values: [] }] } },
      },
      problem: 'spec.namespaces.selector: ',
    },
    {
      name: 'an unknown scope',
      spec: { hard: hardOf('pods'), scopes: ['Big'] },
      problem: 'spec.scopes: "Big" is no scope',
    },
    {
      name: 'scopes that exclude each other',
      spec: { hard: hardOf('pods'), scopes: ['Terminating', 'NotTerminating'] },
      problem: 'spec.scopes: Terminating and NotTerminating together match nothing',
    },
    {
      name: 'a scope of Pods for Services',
      spec: { hard: hardOf('pods', 'services'), scopes: ['Terminating'] },
      problem: 'spec.scopes: no object with these scopes counts towards services',
    },
    {
      name: 'BestEffort with a resource such Pods cannot have',
      spec: { hard: hardOf('pods', 'requests.cpu'), scopes: ['BestEffort'] },
      problem: 'spec.scopes: no object with these scopes counts towards requests.cpu',
    },
    {
      name: 'a value of a scope that has none',
      spec: {
        hard: hardOf('pods'),
        scopeSelector: { matchExpressions: [{ scopeName: 'Terminating', operator: 'In', values: ['x'] }] },
      },
      problem: 'spec.scopeSelector: Terminating is there or not',
    },
    {
      name: 'an operator without its values',
      spec: {
        hard: hardOf('pods'),
        scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In' }] },
      },
      problem: 'spec.scopeSelector: failed to parse',
    },
  ])('refuses $name', ({ spec, problem }) => {
    const found = problems(spec);
    expect(
      found.some((each) => each.startsWith(problem)),
      `${found.join('\n')}\nlacks ${problem}`,
    ).toBe(true);
  });

  it('refuses a name with a slash', () => {
    const parsed = globalQuotaKind.parse({ metadata: { name: 'a/b' }, ...{ spec: { hard: hardOf('pods') } } });
    expect(parsed).toHaveProperty('problems');
  });
});

describe('selects()', () => {
  const labels = parseLabelSelector({ matchLabels: { team: 'a' } });
  const nobody = { names: new Set<string>(), labels: undefined, isEverything: false };
  it.each([
    { selection: { ...nobody, isEverything: true }, name: 'shop', of: {}, selected: true },
    { selection: { ...nobody, names: new Set(['shop']) }, name: 'shop', of: {}, selected: true },
    { selection: { ...nobody, names: new Set(['shop']) }, name: 'web', of: { team: 'a' }, selected: false },
    { selection: { ...nobody, labels }, name: 'web', of: { team: 'a' }, selected: true },
    { selection: { ...nobody, labels }, name: 'web', of: undefined, selected: false },
    { selection: { ...nobody, names: new Set(['shop']), labels }, name: 'shop', of: {}, selected: true },
    { selection: nobody, name: 'shop', of: { team: 'a' }, selected: false },
  ])('$name with $of: $selected', ({ selection, name, of, selected }) => {
    expect(selects(selection, name, of)).toBe(selected);
  });
});

function hardOf(...names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, '4']));
}
