import { describe, expect, test } from 'vitest';
import type { KubernetesObject } from '../../../src/api/object-meta.ts';
import { runPlugin, summaryOf, type PluginRequest } from '../../../test/run-plugin.ts';
import { namespaceLifecyclePlugin } from './namespace-lifecycle.ts';

const configMap = (namespace: string): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', namespace },
});
const namespace = (name: string, phase?: string): KubernetesObject => ({
  ...{ apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
  ...(phase === undefined ? {} : { status: { phase } }),
});
const ending = namespace('ending', 'Terminating');
const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'LocalSubjectAccessReview' };

describe('namespaceLifecyclePlugin', () => {
  const allowed: readonly [string, PluginRequest][] = [
    ['creation in a namespace', { object: configMap('team') }],
    ['update in a missing namespace', { object: configMap('none'), oldObject: configMap('none') }],
    ['update in a terminating one', { object: configMap('ending'), oldObject: configMap('ending'), cluster: [ending] }],
    ['deletion in a missing namespace', { object: configMap('none'), operation: 'DELETE' }],
    ['a cluster-scoped object', { object: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } } }],
    ['a new namespace', { object: namespace('new') }],
    ['deletion of a namespace', { object: namespace('team'), operation: 'DELETE' }],
    ['deletion of kube-node-lease', { object: namespace('kube-node-lease'), operation: 'DELETE' }],
    ['update of kube-system', { object: namespace('kube-system'), oldObject: namespace('kube-system') }],
    ['a question of rights in a missing namespace', { object: { ...review, metadata: { namespace: 'none' } } }],
  ];
  test.each(allowed)('allows %s', async (_, request) => {
    expect((await runPlugin(namespaceLifecyclePlugin, request)).status).toBeUndefined();
  });

  const immortal = (name: string): [string, PluginRequest, string] => [
    `deletion of ${name}`,
    { object: namespace(name), operation: 'DELETE' },
    `403 Forbidden: namespaces "${name}" is forbidden: this namespace may not be deleted`,
  ];
  const refusals: readonly [string, PluginRequest, string][] = [
    ['creation in a missing namespace', { object: configMap('none') }, '404 NotFound: namespaces "none" not found'],
    [
      'creation in a terminating namespace',
      { object: configMap('ending'), cluster: [ending] },
      '403 Forbidden: configmaps "a" is forbidden: unable to create new content in namespace ending because it is being terminated',
    ],
    ...['default', 'kube-system', 'kube-public'].map(immortal),
  ];
  test.each(refusals)('refuses %s', async (_, request, text) => {
    expect(summaryOf(await runPlugin(namespaceLifecyclePlugin, request), request.object)).toBe(text);
  });

  test('tells clients that a terminating namespace is the cause', async () => {
    const { status } = await runPlugin(namespaceLifecyclePlugin, { object: configMap('ending'), cluster: [ending] });
    expect(status?.details?.causes).toEqual([
      { reason: 'NamespaceTerminating', message: 'namespace ending is being terminated', field: 'metadata.namespace' },
    ]);
  });
});
