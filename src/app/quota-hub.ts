import { randomUUID } from 'node:crypto';
import { WebhookRegistry } from '../admission/index.ts';
import { FileSource } from '../certs/index.ts';
import {
  clusterObjectSource,
  folderObjectSource,
  type KubeClient,
  type ObjectSet,
  type ObjectSource,
} from '../kube/index.ts';
import {
  globalQuotaKind,
  Hub,
  hubMetrics,
  hubReader,
  hubRoute,
  Ledger,
  ledgerMetrics,
  QuotaStatusWriter,
  termsOf,
  type GlobalQuota,
} from '../quota/index.ts';
import { AdmissionServer, metricsRoute, OperationsServer, serverMetrics, type ListenAddress } from '../server/index.ts';
import type { Clock, Logger } from '../telemetry/index.ts';
import type { PrometheusMetrics } from '../telemetry/prometheus-metrics.ts';
import { openClientAuthorities } from './client-authorities.ts';
import { processMetrics } from './gate-metrics.ts';
import type { QuotaHubConfiguration } from './quota-hub-configuration.ts';
import { clientOfHubObjects, hubStoreOf } from './quota-hub-store.ts';
import { OpenParts } from './stop-all.ts';
import { untilDone } from './until-done.ts';

export interface QuotaHubOptions {
  readonly configuration: QuotaHubConfiguration;
  readonly metrics: PrometheusMetrics;
  readonly log: Logger;
  readonly clock: Clock;
}

/** The hub of a fleet: its ledger, the GlobalQuota objects and their status, and the door for members. */
export class QuotaHub {
  readonly #options: QuotaHubOptions;
  readonly #stopping = new AbortController();
  readonly #parts = new OpenParts();
  #applying: Promise<void> = Promise.resolve();

  constructor(options: QuotaHubOptions) {
    this.#options = options;
  }

  /**
   * Resolves when members are served. Rejects with {@link InvalidConfigurationError}, {@link LedgerStoreError},
   * {@link CertificatePairError} or {@link ListenError} when that cannot be.
   */
  async start(signal: AbortSignal = this.#stopping.signal): Promise<ListenAddress> {
    const { configuration, metrics, log, clock } = this.#options;
    const { leaseSeconds } = configuration;
    const leaseMilliseconds = leaseSeconds * 1000;
    const client = await clientOfHubObjects(configuration);
    if (client !== undefined) this.#parts.onStop(() => client.close());
    const store = await hubStoreOf(configuration, client);
    // Between two batches others have their turn: one quota of many clusters takes a good part of a millisecond.
    const ledger = new Ledger({ store, clock, log, events: ledgerMetrics(metrics), maxBatch: 64 });
    await ledger.start();
    this.#parts.onStop(() => ledger.stop());
    const hub: Hub = new Hub({
      ledger,
      clock,
      uniqueName: randomUUID,
      leaseMilliseconds,
      logger: log,
      events: {
        ...hubMetrics(metrics, { shares: () => hub.shares(), leaseMilliseconds }),
        usageChanged: (quota) => writer?.changed([quota]),
      },
    });
    const source = this.#sourceWith(client);
    source.start();
    this.#parts.onStop(() => source.stop());
    await source.waitForSync(signal);
    const writer = client && new QuotaStatusWriter({ client, reader: hubReader(hub), clock, log });
    const apply = async ({ objects }: ObjectSet<GlobalQuota>): Promise<void> => {
      await hub.setTerms(...objects.map(({ object }) => termsOf(object)));
      await hub.endTerms(new Set(objects.map(({ object }) => object.id)));
    };
    if (source.current !== undefined) {
      await apply(source.current);
      writer?.set(source.current);
    }
    writer?.start();
    this.#parts.onStop(() => writer?.stop());
    source.subscribe((set) => {
      writer?.set(set);
      this.#enqueue(() => apply(set));
    });
    return this.#serve(hub, signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new DOMException('the hub stops', 'AbortError'));
    await this.#applying;
    await this.#parts.stop();
  }

  async #serve(hub: Hub, signal: AbortSignal): Promise<ListenAddress> {
    const { configuration, metrics, log, clock } = this.#options;
    const certificates = new FileSource({ directory: configuration.certificates, logger: log, clock });
    this.#parts.onStop(() => certificates.stop());
    await certificates.start(signal);
    processMetrics(metrics);
    const { healthPort, ...address } = configuration.server;
    const operations = new OperationsServer({
      host: address.host,
      port: healthPort,
      routes: [metricsRoute(() => metrics.read())],
      readiness: [{ name: 'certificates', healthy: () => certificates.healthy() }],
      logger: log,
    });
    await operations.start();
    this.#parts.onStop(() => operations.stop());
    const authorities = await openClientAuthorities({
      file: configuration.clientAuthority,
      setting: 'clientAuthority',
      server: () => server,
      clock,
      log,
    });
    this.#parts.onStop(() => authorities.close());
    const server: AdmissionServer = new AdmissionServer({
      registry: new WebhookRegistry([]),
      certificates,
      ...address,
      clientCertificates: { ca: authorities.current },
      routes: [hubRoute(hub, log)],
      // Members keep a question open, and ask another replica or again when it ends.
      shutdown: { quietPeriodMilliseconds: 0, hardDeadlineMilliseconds: 2_000 },
      observer: serverMetrics(metrics),
      logger: log,
      clock,
    });
    this.#parts.onStop(() => server.stop());
    return server.start();
  }

  #sourceWith(client: KubeClient | undefined): ObjectSource<GlobalQuota> {
    const { configuration, log, clock } = this.#options;
    const { objects } = configuration;
    const kinds = [globalQuotaKind];
    if (client !== undefined) return clusterObjectSource({ client, kinds, clock, logger: log });
    const folder = objects.mode === 'Folder' ? objects.directory : '';
    return folderObjectSource({ folder, kinds, clock, logger: log });
  }

  /** After those before it. */
  #enqueue(change: () => Promise<void>): void {
    const { clock, log } = this.#options;
    const onFailure = (error: unknown): void =>
      log.error('a change of the quotas could not be carried out; trying again', { error: error as Error });
    const options = { clock, signal: this.#stopping.signal, onFailure };
    this.#applying = this.#applying.then(() => untilDone(change, options));
  }
}
