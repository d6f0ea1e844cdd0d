import { describe, expect, test } from 'vitest';
import { runPlugin, summaryOf, type PluginRequest } from '../../../test/run-plugin.ts';
import { namespaceExistsPlugin } from './namespace-exists.ts';

const configMap = (namespace: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace } });

describe('namespaceExistsPlugin', () => {
  const allowed: readonly [string, PluginRequest][] = [
    ['creation in a namespace', { object: configMap('team') }],
    ['deletion in a namespace', { object: configMap('team'), operation: 'DELETE' }],
    ['connection in a missing namespace', { object: configMap('none'), operation: 'CONNECT' }],
    ['a new namespace', { object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'new' } } }],
    ['a cluster-scoped object', { object: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } } }],
  ];
  test.each(allowed)('allows %s', async (_, request) => {
    expect((await runPlugin(namespaceExistsPlugin, request)).status).toBeUndefined();
  });

  test.each(['CREATE', 'UPDATE', 'DELETE'] as const)('refuses %s in a missing namespace', async (operation) => {
    const object = configMap('none');
    const outcome = await runPlugin(namespaceExistsPlugin, { object, operation });
    expect(summaryOf(outcome, object)).toBe('404 NotFound: namespaces "none" not found');
  });
});
