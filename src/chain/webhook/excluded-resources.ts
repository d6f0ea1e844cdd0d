import type { GroupVersionResource } from '../../api/resource.ts';

/**
 * Whether webhooks never see a resource: reviews of authentication and authorization, with which a webhook could lock
 * everybody out. All versions and subresources.
 *
 * Source: k8s.io/kubernetes v1.37.2 pkg/kubeapiserver/admission/exclusion/resources.go, Excluded, used by
 * k8s.io/apiserver v0.37.2 pkg/admission/plugin/webhook/generic/webhook.go, Dispatch.
 */
export function isExcludedFromWebhooks({ group, resource }: Pick<GroupVersionResource, 'group' | 'resource'>): boolean {
  return excluded.get(group)?.has(resource) ?? false;
}

const excluded: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['authentication.k8s.io', new Set(['selfsubjectreviews', 'tokenreviews'])],
  [
    'authorization.k8s.io',
    new Set([
      'localsubjectaccessreviews',
      'selfsubjectaccessreviews',
      'selfsubjectrulesreviews',
      'subjectaccessreviews',
    ]),
  ],
]);
