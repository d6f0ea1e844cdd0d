import type { WebhookDefinition } from '../admission/index.ts';
import type { KubeClient, ObjectSet } from '../kube/index.ts';
import { QuotaSelection, registeredQuotaWebhook, type GlobalQuota } from '../quota/index.ts';
import { systemClock, type Clock, type Logger } from '../telemetry/index.ts';
import type { QuotaConfiguration } from './quota-configuration.ts';
import { openQuotaObjects, type QuotaObjects } from './quota-objects.ts';

export interface QuotaRegistrationOptions {
  readonly configuration: QuotaConfiguration;
  readonly client: KubeClient;
  /** Called with the webhook to register from now on; undefined while no quota is in force in this cluster. */
  readonly onWebhook: (webhook: WebhookDefinition | undefined) => void;
  readonly log: Logger;
  readonly clock: Clock;
}

/**
 * Quota as a process needs it that registers what others serve: it follows the GlobalQuota objects, by which the rules of
 * the webhook change, and asks no ledger.
 */
export class QuotaRegistration {
  readonly #options: QuotaRegistrationOptions;
  #objects: QuotaObjects | undefined;

  constructor(options: QuotaRegistrationOptions) {
    this.#options = options;
  }

  /** Returns when the quotas are known and told. Throws {@link ClusterConfigError} and the reason of `signal`. */
  async start(signal: AbortSignal): Promise<void> {
    const { configuration, client, onWebhook, log, clock } = this.#options;
    const { cluster: name, labels } = configuration;
    const objects = await openQuotaObjects({ configuration, client, log, clock });
    this.#objects = objects;
    const selection = new QuotaSelection({ cluster: { name, labels }, excludedNamespaces: [] });
    const tell = (set: ObjectSet<GlobalQuota>): void => {
      selection.set(set.objects.map(({ object }) => object));
      onWebhook(registeredQuotaWebhook(selection.quotas));
    };
    objects.source.start();
    await objects.source.waitForSync(signal);
    objects.source.subscribe(tell);
  }

  async stop(): Promise<void> {
    await this.#objects?.close();
  }
}

/** The webhook as it is to be registered now; undefined without a quota in force. */
export async function readQuotaWebhook(
  configuration: QuotaConfiguration,
  client: KubeClient,
  log: Logger,
  signal: AbortSignal,
): Promise<WebhookDefinition | undefined> {
  let found: WebhookDefinition | undefined;
  const onWebhook = (webhook: WebhookDefinition | undefined): void => void (found = webhook);
  const registration = new QuotaRegistration({ configuration, client, onWebhook, log, clock: systemClock });
  try {
    await registration.start(signal);
    return found;
  } finally {
    await registration.stop();
  }
}
