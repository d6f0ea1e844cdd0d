import { randomUUID } from 'node:crypto';
import { Hub, Ledger, type Cluster, type QuotaShares } from '../quota/index.ts';
import { systemClock, type Logger } from '../telemetry/index.ts';
import type { QuotaHubConfiguration } from './quota-hub-configuration.ts';
import { clientOfHubObjects, hubStoreOf } from './quota-hub-store.ts';

/** What a hub keeps, in the hands of a person, beside the hub that serves. */
export class QuotaHubDesk {
  readonly #ledger: Ledger;
  readonly #hub: Hub;
  readonly #closeClient: () => void;

  private constructor(ledger: Ledger, hub: Hub, closeClient: () => void) {
    this.#ledger = ledger;
    this.#hub = hub;
    this.#closeClient = closeClient;
  }

  /** Throws {@link InvalidConfigurationError}, {@link ClusterConfigError} and {@link LedgerStoreError}. */
  static async open(configuration: QuotaHubConfiguration, log: Logger): Promise<QuotaHubDesk> {
    const client = await clientOfHubObjects(configuration);
    const ledger = new Ledger({ store: await hubStoreOf(configuration, client), clock: systemClock, log });
    await ledger.start();
    const leaseMilliseconds = configuration.leaseSeconds * 1000;
    const hub = new Hub({ ledger, clock: systemClock, uniqueName: randomUUID, leaseMilliseconds, logger: log });
    return new QuotaHubDesk(ledger, hub, () => client?.close());
  }

  async close(): Promise<void> {
    await this.#ledger.stop();
    this.#closeClient();
  }

  async clusters(): Promise<Cluster[]> {
    return this.#ledger.clusters();
  }

  /** What each cluster holds. When it was last heard only the hub that serves knows. */
  async shares(): Promise<QuotaShares[]> {
    return this.#hub.shares();
  }

  /** Writes off what a cluster holds of every quota. Only sound when nothing of it runs any more. Audited. */
  async forgetCluster(id: string, by: string, reason: string): Promise<void> {
    await this.#hub.forgetCluster(id, { by, reason });
  }
}
