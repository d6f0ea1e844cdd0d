import { describe, expect, test } from 'vitest';
import { clusterOf, runPlugin, type PluginRequest } from '../../../test/run-plugin.ts';
import { namespaceAutoProvisionPlugin } from './namespace-auto-provision.ts';

const configMap = (namespace: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace } });

describe('namespaceAutoProvisionPlugin', () => {
  const cases: readonly [string, Omit<PluginRequest, 'cluster'>, readonly string[]][] = [
    ['creates a missing namespace', { object: configMap('new') }, ['new', 'team']],
    ['leaves one that exists', { object: configMap('team') }, ['team']],
    ['creates nothing on a dry run', { object: configMap('new'), dryRun: true }, ['team']],
    ['creates nothing on update', { object: configMap('new'), oldObject: configMap('new') }, ['team']],
    [
      'creates nothing for a Namespace itself',
      { object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'new' } } },
      ['team'],
    ],
    [
      'creates nothing for cluster-scoped objects',
      { object: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'new' } } },
      ['team'],
    ],
  ];
  test.each(cases)('%s', async (_, request, namespaces) => {
    const cluster = clusterOf([]);
    expect((await runPlugin(namespaceAutoProvisionPlugin, { ...request, cluster })).allowed).toBe(true);
    expect(cluster.list('namespaces').map(({ metadata }) => metadata?.name)).toEqual(namespaces);
  });
});
