import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { WebhookRegistry } from '../admission/index.ts';
import type { WebhookConfiguration } from '../api/webhook-configuration.ts';
import { WebhookFileError } from '../sources/errors.ts';
import { readManifestFiles } from '../sources/manifest-files.ts';
import { isModuleFile, loadWebhooks } from '../sources/webhook-files.ts';

export interface WebhookSources {
  /** Definitions of ours. */
  readonly registry: WebhookRegistry;
  /** Configuration objects. */
  readonly configurations: readonly WebhookConfiguration[];
}

/**
 * Reads webhooks from files and folders of either kind: `.ts` and `.js` files export definitions, YAML and JSON files hold
 * MutatingWebhookConfigurations and ValidatingWebhookConfigurations. A folder may hold both.
 *
 * Throws {@link WebhookFileError} for a path that holds neither, for a manifest that cannot be read, and as
 * {@link loadWebhooks} does.
 */
export async function readWebhookSources(paths: readonly string[]): Promise<WebhookSources> {
  const registry = new WebhookRegistry();
  const configurations: WebhookConfiguration[] = [];
  for (const path of paths) {
    const { modules, manifests } = await filesOf(path);
    if (!modules && !manifests) {
      throw new WebhookFileError(
        path,
        0,
        'holds no webhook; expected .ts or .js definitions, or configurations in YAML',
      );
    }
    if (modules) for (const definition of await loadWebhooks(path)) registry.add(definition);
    if (manifests) configurations.push(...(await readConfigurations(path)));
  }
  return { registry, configurations };
}

async function filesOf(path: string): Promise<{ modules: boolean; manifests: boolean }> {
  const info = await stat(path).catch((cause: unknown) => {
    throw new WebhookFileError(path, 0, 'there is no such file or folder', { cause });
  });
  const names = info.isDirectory() ? await readdir(path, { recursive: true }) : [path];
  return {
    modules: names.some((name) => isModuleFile(join(path, name))),
    manifests: names.some((name) => /\.(?:ya?ml|json)$/.test(name)),
  };
}

async function readConfigurations(path: string): Promise<WebhookConfiguration[]> {
  const { manifests, problems } = await readManifestFiles([path]);
  const [problem] = problems;
  if (problem !== undefined) throw new WebhookFileError(problem.file, problem.line, problem.message);
  return manifests.flatMap(({ object }) => {
    const { apiVersion, kind } = object;
    const isConfiguration = kind === 'MutatingWebhookConfiguration' || kind === 'ValidatingWebhookConfiguration';
    // Its group and kind say what it is; the chain reads it as leniently as an API server that has stored it.
    return isConfiguration && apiVersion === 'admissionregistration.k8s.io/v1' ? [object as WebhookConfiguration] : [];
  });
}
