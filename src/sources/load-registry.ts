import { WebhookRegistry, type WebhookSelection } from '../admission/index.ts';
import { loadWebhooks } from './webhook-files.ts';

export interface WebhookSources extends WebhookSelection {
  /** Files or folders. */
  readonly paths: readonly string[];
}

/**
 * Gathers what the files of users export into the one registry, and takes the selected ones. Throws what
 * {@link loadWebhooks} and the registry throw.
 */
export async function loadRegistry({ paths, ...selection }: WebhookSources): Promise<WebhookRegistry> {
  const registry = new WebhookRegistry();
  for (const path of paths) for (const definition of await loadWebhooks(path)) registry.add(definition);
  return registry.select(selection);
}
