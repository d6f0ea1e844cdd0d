import { describe, expect, test } from 'vitest';
import type { Authorizer, AuthorizerAttributes } from '../authorizer.ts';
import type { JsonObject } from '../../json/json-value.ts';
import { runPlugin, summaryOf, testNamespace } from '../../../test/run-plugin.ts';
import { ownerReferencesPermissionEnforcementPlugin } from './owner-references-permission-enforcement.ts';

const owner = (name: string, over: JsonObject = {}): JsonObject => ({
  ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid: `uid-of-${name}` },
  ...over,
});
const blocking = { blockOwnerDeletion: true };
const pod = (...ownerReferences: JsonObject[]): JsonObject => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: { name: 'web', ...(ownerReferences.length > 0 && { ownerReferences }) },
});
const widgets: JsonObject = {
  ...{
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
  },
  spec: {
    ...{ group: 'example.com', scope: 'Cluster', names: { plural: 'widgets', kind: 'Widget' } },
    versions: [
      { name: 'v1', served: true },
      { name: 'v2', served: false },
    ],
  },
};

/** Grants what `grants` says, `verb resource/subresource name`, and tells what it was asked. */
function grantingAuthorizer(...grants: string[]): Authorizer & { readonly asked: AuthorizerAttributes[] } {
  const asked: AuthorizerAttributes[] = [];
  return {
    asked,
    authorize(attributes) {
      asked.push(attributes);
      const { verb, apiGroup, resource, subresource, name } = attributes;
      const text = `${verb} ${resource}.${apiGroup}/${subresource} ${name}`;
      return grants.includes(text)
        ? { decision: 'allow', reason: '' }
        : { decision: 'noOpinion', reason: 'no rule', ...(name === 'faulty' && { error: 'rules unread' }) };
    },
  };
}

const deletePod = 'delete pods./ web';
const finalizeEverything = 'update *.*/finalizers *';
const finalizeMine = 'update replicasets.apps/finalizers mine';
const forbidden = '403 Forbidden: pods "web" is forbidden: ';
const undeletable = `${forbidden}cannot set an ownerRef on a resource you can't delete: no rule, <nil>`;
const unfinalizable = `${forbidden}cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: no rule, <nil>`;
const unmapped = (apiVersion: string, kind: string): string =>
  `${forbidden}cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion ${apiVersion} Kind ${kind}: no matches for kind "${kind}" in version "${apiVersion}"`;
const widget = (name: string, over: JsonObject = {}): JsonObject =>
  owner(name, { apiVersion: 'example.com/v1', kind: 'Widget', ...blocking, ...over });

describe('ownerReferencesPermissionEnforcementPlugin', () => {
  test.each<[string, string[], JsonObject, string]>([
    ['no owner', [], pod(), 'unchanged'],
    ['an owner', [], pod(owner('mine')), 'unchanged'],
    ['an owner that it does not block', [], pod(owner('mine', { blockOwnerDeletion: false })), 'unchanged'],
    ['an owner that it blocks', [], pod(owner('mine', blocking)), unfinalizable],
    ['an owner that it may block', [finalizeMine], pod(owner('mine', blocking)), 'unchanged'],
    ['a kind in lower case', [finalizeMine], pod(owner('mine', { kind: 'replicaset', ...blocking })), 'unchanged'],
    ['one of two that it may block', [finalizeMine], pod(owner('mine', blocking), owner('b', blocking)), unfinalizable],
    ['an owner among all', [finalizeEverything], pod(owner('mine', blocking)), 'unchanged'],
    ['an unknown kind', [], pod(owner('mine', { kind: 'Frob', ...blocking })), unmapped('apps/v1', 'Frob')],
    ['an unknown kind among all', [finalizeEverything], pod(owner('a', { kind: 'Frob', ...blocking })), 'unchanged'],
    ['a custom resource', ['update widgets.example.com/finalizers w'], pod(widget('w')), 'unchanged'],
    ['another custom resource', ['update widgets.example.com/finalizers w'], pod(widget('v')), unfinalizable],
    [
      'an unserved version',
      [],
      pod(widget('w', { apiVersion: 'example.com/v2' })),
      unmapped('example.com/v2', 'Widget'),
    ],
    [
      'an owner that cannot be judged',
      [],
      pod(owner('faulty', blocking)),
      unfinalizable.replace('<nil>', 'rules unread'),
    ],
  ])('judges a new Pod with %s', async (_, grants, object, expected) => {
    const authorizer = grantingAuthorizer(...grants);
    const outcome = await runPlugin(ownerReferencesPermissionEnforcementPlugin, {
      object,
      cluster: [widgets],
      authorizer,
    });
    expect(summaryOf(outcome, object)).toBe(expected);
  });

  const mine = owner('mine');
  test.each<[string, string[], JsonObject, JsonObject, string]>([
    ['the same owners', [], pod(mine), pod(mine), 'unchanged'],
    ['the same owners, null for absent', [], pod(mine), pod({ ...mine, controller: null }), 'unchanged'],
    ['a new owner', [], pod(), pod(mine), undeletable],
    ['a new owner of what may go', [deletePod], pod(), pod(mine), 'unchanged'],
    ['an owner less', [], pod(mine), pod(), undeletable],
    ['another owner', [], pod(mine), pod(owner('b')), undeletable],
    ['a no for nothing', [], pod(mine), pod({ ...mine, controller: false }), undeletable],
    ['a new order', [], pod(mine, owner('b')), pod(owner('b'), mine), undeletable],
    ['a new block', [deletePod], pod(mine), pod({ ...mine, ...blocking }), unfinalizable],
    [
      'a block for a no',
      [deletePod],
      pod({ ...mine, blockOwnerDeletion: false }),
      pod({ ...mine, ...blocking }),
      unfinalizable,
    ],
    ['a new block that is granted', [deletePod, finalizeMine], pod(mine), pod({ ...mine, ...blocking }), 'unchanged'],
    [
      'a block that was there',
      [deletePod],
      pod({ ...mine, ...blocking }),
      pod({ ...mine, ...blocking, controller: true }),
      'unchanged',
    ],
    ['a block that goes', [deletePod], pod({ ...mine, ...blocking }), pod(mine), 'unchanged'],
  ])('judges an update with %s', async (_, grants, oldObject, object, expected) => {
    const authorizer = grantingAuthorizer(...grants);
    const outcome = await runPlugin(ownerReferencesPermissionEnforcementPlugin, { object, oldObject, authorizer });
    expect(summaryOf(outcome, object)).toBe(expected);
  });

  test('asks about the object, everything and each owner in turn', async () => {
    const authorizer = grantingAuthorizer(deletePod, finalizeMine, 'update widgets.example.com/finalizers w');
    const object = pod(owner('mine', blocking), widget('w'));
    const request = { object, oldObject: pod(), cluster: [widgets], authorizer };
    await runPlugin(ownerReferencesPermissionEnforcementPlugin, request);
    const always = {
      ...{ user: { username: 'alice' }, resourceRequest: true, path: '' },
      ...{ fieldSelector: undefined, labelSelector: undefined },
    };
    const finalize = { ...always, verb: 'update', subresource: 'finalizers' };
    expect(authorizer.asked).toEqual([
      {
        ...always,
        ...{ verb: 'delete', apiGroup: '', apiVersion: 'v1', resource: 'pods', subresource: '' },
        ...{ namespace: testNamespace, name: 'web' },
      },
      { ...finalize, apiGroup: '*', apiVersion: '*', resource: '*', namespace: '', name: '*' },
      {
        ...finalize,
        apiGroup: 'apps',
        apiVersion: 'v1',
        resource: 'replicasets',
        namespace: testNamespace,
        name: 'mine',
      },
      { ...finalize, apiGroup: 'example.com', apiVersion: 'v1', resource: 'widgets', namespace: '', name: 'w' },
    ]);
  });

  test('leaves the status of Pods alone, but not that of others', async () => {
    const authorizer = grantingAuthorizer();
    const ofStatus = { object: pod(mine), oldObject: pod(), subresource: 'status', authorizer };
    expect((await runPlugin(ownerReferencesPermissionEnforcementPlugin, ofStatus)).allowed).toBe(true);
    const service = { ...ofStatus, object: { ...pod(mine), kind: 'Service' } };
    expect((await runPlugin(ownerReferencesPermissionEnforcementPlugin, service)).allowed).toBe(false);
  });
});
