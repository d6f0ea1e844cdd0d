import type { GroupVersionResource } from '../../../../src/api/resource.ts';
import type { World } from '../scenario.ts';
import {
  behaviours,
  configMap,
  configMaps,
  coreNamespaces,
  deny,
  mutating,
  namespaceObject,
  pod,
  pods,
  request,
  rule,
  validating,
  webhook,
} from './build.ts';

const everything = { rules: [rule({ apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] })] };

const authorization = (resource: string): GroupVersionResource => ({
  group: 'authorization.k8s.io',
  version: 'v1',
  resource,
});
const authentication = (resource: string): GroupVersionResource => ({
  group: 'authentication.k8s.io',
  version: 'v1',
  resource,
});
const registration = (resource: string): GroupVersionResource => ({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  resource,
});
const resourceAttributes = { verb: 'get', resource: 'pods' };

function registered(kind: 'Mutating' | 'Validating', name: string) {
  return { apiVersion: 'admissionregistration.k8s.io/v1', kind: `${kind}WebhookConfiguration`, metadata: { name } };
}

export const exempt: readonly World[] = [
  {
    name: 'exempt-requests',
    about:
      'configurations of webhooks and policies, and reviews of access, never reach webhooks; other short-lived things do',
    validating: [validating('exempt-requests', [webhook('v0', everything)])],
    behaviours: behaviours({ v0: deny({ message: 'seen' }) }),
    requests: [
      request('exempt-mwc', 'create', registration('mutatingwebhookconfigurations'), {
        body: registered('Mutating', 'exempt-mwc'),
      }),
      request('exempt-vwc', 'create', registration('validatingwebhookconfigurations'), {
        body: registered('Validating', 'exempt-vwc'),
      }),
      request('exempt-sar', 'create', authorization('subjectaccessreviews'), {
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: { user: 'a', resourceAttributes },
        },
      }),
      request('exempt-ssar', 'create', authorization('selfsubjectaccessreviews'), {
        body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } },
      }),
      request('exempt-ssrr', 'create', authorization('selfsubjectrulesreviews'), {
        body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace: 'plain' } },
      }),
      request('exempt-lsar', 'create', authorization('localsubjectaccessreviews'), {
        namespace: 'plain',
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'LocalSubjectAccessReview',
          metadata: { namespace: 'plain' },
          spec: { user: 'a', resourceAttributes: { ...resourceAttributes, namespace: 'plain' } },
        },
      }),
      request('exempt-token', 'create', authentication('tokenreviews'), {
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'x' } },
      }),
      request('exempt-self', 'create', authentication('selfsubjectreviews'), {
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
      }),
      request('exempt-configmap', 'create', configMaps, { namespace: 'plain', body: configMap('exempt-configmap') }),
      request('exempt-namespace', 'create', coreNamespaces, { body: namespaceObject('exempt-namespace') }),
      request(
        'exempt-lease',
        'create',
        { group: 'coordination.k8s.io', version: 'v1', resource: 'leases' },
        {
          namespace: 'plain',
          body: {
            apiVersion: 'coordination.k8s.io/v1',
            kind: 'Lease',
            metadata: { name: 'exempt-lease' },
            spec: { holderIdentity: 'me' },
          },
        },
      ),
      request(
        'exempt-token-request',
        'create',
        { group: '', version: 'v1', resource: 'serviceaccounts' },
        {
          namespace: 'plain',
          objectName: 'exempt-account',
          subresource: 'token',
          existing: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'exempt-account' } },
          body: {
            apiVersion: 'authentication.k8s.io/v1',
            kind: 'TokenRequest',
            metadata: { name: 'exempt-account' },
            spec: { audiences: ['a'], expirationSeconds: 3600, boundObjectRef: null },
            status: { token: '', expirationTimestamp: null },
          },
        },
      ),
      request('exempt-eviction', 'create', pods, {
        namespace: 'plain',
        objectName: 'exempt-eviction',
        subresource: 'eviction',
        existing: pod('exempt-eviction'),
        body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'exempt-eviction' } },
      }),
      request('exempt-binding', 'create', pods, {
        namespace: 'plain',
        objectName: 'exempt-binding',
        subresource: 'binding',
        existing: pod('exempt-binding'),
        body: {
          apiVersion: 'v1',
          kind: 'Binding',
          metadata: { name: 'exempt-binding' },
          target: { kind: 'Node', name: 'n1' },
        },
      }),
      ...(['exec', 'attach', 'portforward'] as const).map((subresource) =>
        request(`exempt-${subresource}`, 'connect', pods, {
          namespace: 'plain',
          objectName: `exempt-${subresource}`,
          subresource,
          existing: pod(`exempt-${subresource}`),
          ...(subresource === 'portforward' ? {} : { query: { stdout: 'true' } }),
          body: {
            exec: { kind: 'PodExecOptions', apiVersion: 'v1', stdout: true, command: null },
            attach: { kind: 'PodAttachOptions', apiVersion: 'v1', stdout: true },
            portforward: { kind: 'PodPortForwardOptions', apiVersion: 'v1' },
          }[subresource],
        }),
      ),
    ],
  },
  {
    name: 'exempt-mutating',
    about: 'the same holds for mutating webhooks',
    mutating: [mutating('exempt-mutating', [webhook('m0', everything)])],
    behaviours: behaviours({ m0: deny({ message: 'seen' }) }),
    requests: [
      request('exempt-mutating-vwc', 'create', registration('validatingwebhookconfigurations'), {
        body: registered('Validating', 'exempt-mutating-vwc'),
      }),
      request('exempt-mutating-sar', 'create', authorization('subjectaccessreviews'), {
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: { user: 'a', resourceAttributes },
        },
      }),
      request('exempt-mutating-configmap', 'create', configMaps, {
        namespace: 'plain',
        body: configMap('exempt-mutating-configmap'),
      }),
    ],
  },
];
