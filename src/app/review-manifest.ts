import { randomUUID } from 'node:crypto';
import type { WebhookDefinition, WebhookRegistry } from '../admission/index.ts';
import { encodeReviewRequest } from '../admission/index.ts';
import type { AdmissionRequestBody, AdmissionReviewBody } from '../api/admission-review.ts';
import { guessResource } from '../api/kind.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import type { Manifest } from '../api/manifest.ts';
import type { Status } from '../api/status.ts';
import { matchesRule } from '../chain/index.ts';
import { apply, type JsonObject, type PatchOperation } from '../json/index.ts';

/** Sends one AdmissionReview to a webhook's path. Rejects when there is no answer at all. */
export type PostReview = (path: string, body: string) => Promise<{ readonly status: number; readonly body: string }>;

/** What one webhook made of an object. */
export interface WebhookResult {
  readonly webhook: string;
  readonly outcome: 'allowed' | 'patched' | 'denied' | 'fault';
  /** Why it was denied, or what the fault is. */
  readonly message: string | undefined;
  readonly patch: readonly PatchOperation[];
  readonly warnings: readonly string[];
}

/** What all webhooks that cover it made of one manifest. */
export interface ManifestReview {
  readonly manifest: Manifest;
  /** `denied` also when a webhook with `failurePolicy: Fail` gave no answer. */
  readonly decision: 'allowed' | 'changed' | 'denied';
  readonly webhooks: readonly WebhookResult[];
  /** As it would be stored; the manifest's own when nothing changed it. */
  readonly object: JsonObject & KubernetesObject;
}

/**
 * Creates one object as the API server would: every mutating webhook that covers it in order, each seeing what the one
 * before made of it, then the validating ones. Rules and operation decide who covers it.
 */
export async function reviewManifest(
  manifest: Manifest,
  registry: WebhookRegistry,
  post: PostReview,
): Promise<ManifestReview> {
  // A manifest is JSON by the way it was read, and a patch leaves JSON.
  let object = manifest.object as JsonObject & KubernetesObject;
  const webhooks: WebhookResult[] = [];
  const conclude = (decision: ManifestReview['decision']): ManifestReview => ({ manifest, decision, webhooks, object });
  const { namespaced, ...resource } = guessResource(manifest.kind);
  const namespace = manifest.object.metadata?.namespace ?? (namespaced ? 'default' : '');
  const covers = ({ rules }: WebhookDefinition): boolean =>
    rules.some((rule) => matchesRule({ ...rule }, { operation: 'CREATE', resource, subresource: '', namespace }));

  for (const kind of ['mutating', 'validating'] as const) {
    for (const definition of [...registry].filter((each) => each.kind === kind && covers(each))) {
      const request: AdmissionRequestBody = {
        uid: randomUUID(),
        kind: manifest.kind,
        resource,
        requestKind: manifest.kind,
        requestResource: resource,
        name: manifest.object.metadata?.name ?? '',
        namespace,
        operation: 'CREATE',
        userInfo: { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
        object,
        oldObject: null,
        dryRun: false,
        options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
      };
      const result = await ask(definition, request, post);
      webhooks.push(result);
      if (result.outcome === 'denied') return conclude('denied');
      if (result.outcome === 'fault' && definition.failurePolicy === 'Fail') return conclude('denied');
      object = apply(object, [...result.patch]) as JsonObject & KubernetesObject;
    }
  }
  return conclude(webhooks.some(({ patch }) => patch.length > 0) ? 'changed' : 'allowed');
}

async function ask(
  definition: WebhookDefinition,
  request: AdmissionRequestBody,
  post: PostReview,
): Promise<WebhookResult> {
  const query = `?timeout=${definition.timeoutSeconds}s`;
  const answer = await post(`${definition.path}${query}`, encodeReviewRequest('v1', request));
  const body: unknown = JSON.parse(answer.body);
  const result = { webhook: definition.name, patch: [], warnings: [] };
  if (answer.status !== 200) {
    return { ...result, outcome: 'fault', message: `HTTP ${answer.status}: ${(body as Status).message}` };
  }
  // Our own server wrote it.
  const { response } = body as AdmissionReviewBody;
  const { allowed = false, status, patch: encoded, warnings = [] } = response ?? {};
  if (!allowed) return { ...result, warnings, outcome: 'denied', message: status?.message };
  if (encoded === undefined) return { ...result, warnings, outcome: 'allowed', message: undefined };
  const patch = JSON.parse(Buffer.from(encoded, 'base64').toString()) as PatchOperation[];
  return { ...result, warnings, patch, outcome: 'patched', message: undefined };
}
