import type { Operation } from '../api/admission-review.ts';
import type { Manifest, ManifestProblem } from '../api/manifest.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import { readManifestFiles } from '../sources/manifest-files.ts';
import { OfflineReview, type ReviewedManifest } from '../review/offline-review.ts';
import type { RequestOptions } from '../review/request.ts';
import { readWebhookSources } from '../review/webhook-sources.ts';
import { parseResourceName } from '../api/resource-name.ts';
import { terminalLogger } from './terminal-logger.ts';
import { UsageError } from './usage-error.ts';

/** What `review` and `explain` are asked, as the command line has it. */
export interface ReviewInput {
  readonly filename: readonly string[];
  readonly webhooks?: readonly string[];
  readonly state?: readonly string[];
  readonly fromCluster?: boolean;
  readonly operation?: Operation;
  readonly old?: string;
  readonly subresource?: string;
  readonly resource?: string;
  readonly user?: string;
  readonly group?: readonly string[];
  readonly dryRun?: boolean;
  readonly enableAdmissionPlugins?: string;
  readonly disableAdmissionPlugins?: string;
}

export interface OpenReview {
  readonly manifests: readonly Manifest[];
  readonly problems: readonly ManifestProblem[];
  readonly reviewAll: (manifests: readonly Manifest[]) => Promise<ReviewedManifest[]>;
}

/** Reads what the command line names and makes the chain. Throws {@link UsageError} when options do not fit together. */
export async function openReview(input: ReviewInput): Promise<OpenReview> {
  const { manifests, problems } = await readManifestFiles(input.filename);
  const options = await requestOptions(input);
  const sources = await readWebhookSources(input.webhooks ?? []);
  const reads = [...sources.registry].flatMap((webhook) => webhook.reads);
  const review = await OfflineReview.open(
    {
      ...sources,
      state: await readState(input, reads),
      plugins: { enable: names(input.enableAdmissionPlugins), disable: names(input.disableAdmissionPlugins) },
      elsewhere: async () => {
        // Loaded when a webhook is called over the network, which most reviews never do.
        const { HttpsWebhookClient } = await import('../chain/webhook/https-client.ts');
        return new HttpsWebhookClient();
      },
      log: terminalLogger('error'),
    },
    manifests,
  );
  return {
    manifests,
    problems,
    reviewAll: async (all) => {
      const reviewed: ReviewedManifest[] = [];
      for (const manifest of all) reviewed.push(await review.review(manifest, options));
      return reviewed;
    },
  };
}

async function requestOptions(input: ReviewInput): Promise<RequestOptions> {
  const { operation, subresource, user, group, dryRun } = input;
  const oldObject = input.old === undefined ? undefined : await readOne(input.old);
  if (operation === 'UPDATE' && oldObject === undefined) {
    throw new UsageError('--operation UPDATE needs --old FILE: the object as it is stored');
  }
  if (oldObject !== undefined && operation !== undefined && operation !== 'UPDATE' && operation !== 'DELETE') {
    throw new UsageError(`--old does not go with --operation ${operation}, which has no stored object`);
  }
  const parsed = input.resource === undefined ? undefined : parseResourceName(input.resource);
  if (parsed !== undefined && 'problem' in parsed) throw new UsageError(`--resource: ${parsed.problem}`);
  const groups = group ?? [];
  return {
    operation,
    oldObject,
    subresource,
    dryRun,
    resource:
      parsed === undefined
        ? undefined
        : { group: parsed.group, version: parsed.version ?? 'v1', resource: parsed.resource },
    ...(user !== undefined || groups.length > 0
      ? { user: { username: user ?? 'kubernetes-admin', groups: [...groups, 'system:authenticated'] } }
      : {}),
  };
}

async function readState(
  { state, fromCluster }: ReviewInput,
  reads: readonly string[],
): Promise<readonly KubernetesObject[] | undefined> {
  const objects: KubernetesObject[] = [];
  if (fromCluster === true) {
    const { KubeClient, loadClusterConfig } = await import('../kube/index.ts');
    const { readClusterObjects } = await import('../review/cluster-objects.ts');
    const client = new KubeClient(await loadClusterConfig({ environment: process.env }));
    try {
      objects.push(...(await readClusterObjects(client, reads)));
    } finally {
      client.close();
    }
  }
  if (state !== undefined) {
    const { manifests, problems } = await readManifestFiles(state);
    const [problem] = problems;
    if (problem !== undefined) {
      throw new UsageError(`--state: ${problem.file}:${problem.line}:${problem.column}: ${problem.message}`);
    }
    objects.push(...manifests.map(({ object }) => object));
  }
  return fromCluster === true || state !== undefined ? objects : undefined;
}

async function readOne(file: string): Promise<KubernetesObject> {
  const { manifests, problems } = await readManifestFiles([file]);
  const [problem] = problems;
  if (problem !== undefined)
    throw new UsageError(`--old: ${file}:${problem.line}:${problem.column}: ${problem.message}`);
  const [manifest, ...others] = manifests;
  if (manifest === undefined || others.length > 0) throw new UsageError(`--old: ${file} must hold exactly one object`);
  return manifest.object;
}

function names(text: string | undefined): string[] {
  return (text ?? '').split(',').filter((name) => name !== '');
}
