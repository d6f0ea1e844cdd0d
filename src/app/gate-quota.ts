import type { WebhookDefinition } from '../admission/index.ts';
import type { Health } from '../certs/index.ts';
import type { KubeClient, ObjectSet } from '../kube/index.ts';
import {
  clusterIdOf,
  ledgerReader,
  Ledger,
  QuotaObserver,
  QuotaSelection,
  QuotaStatusWriter,
  memberMetrics,
  quotaMetrics,
  quotaWebhook,
  termsOf,
  UnknownQuotaError,
  type Admitter,
  type GlobalQuota,
  type Member,
  type MemberEvents,
} from '../quota/index.ts';
import type { Clock, Logger, Metrics } from '../telemetry/index.ts';
import type { QuotaConfiguration } from './quota-configuration.ts';
import { openQuotaMember } from './quota-member.ts';
import { openQuotaObjects } from './quota-objects.ts';
import { ledgerStoreOf } from './quota-store.ts';
import { OpenParts } from './stop-all.ts';
import { untilDone } from './until-done.ts';

export interface GateQuotaOptions {
  readonly configuration: QuotaConfiguration;
  /** Of the cluster that this gate guards. */
  readonly client: KubeClient;
  /** Namespaces that the webhook is not asked about, and whose objects are not counted. */
  readonly excludedNamespaces: readonly string[];
  /** Called with the webhook to serve and register from now on; undefined while no quota is in force. */
  readonly onWebhook: (webhook: WebhookDefinition | undefined) => void;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly clock: Clock;
}

/** A gate that cannot reach its ledger for longer is ready all the same: its other webhooks are needed. */
const startMilliseconds = 30_000;

/** Quota in a gate: the ledger, what the cluster really has, the GlobalQuota objects, and the webhook that follows them. */
export class GateQuota {
  readonly #options: GateQuotaOptions;
  readonly #log: Logger;
  readonly #selection: QuotaSelection;
  /** Made once, however often it has to begin. */
  readonly #figures: ReturnType<typeof quotaMetrics>;
  readonly #memberEvents: MemberEvents | undefined;
  #member: Member | undefined;
  readonly #stopping = new AbortController();
  readonly #begun: number;
  #parts: OpenParts | undefined;
  #starting: Promise<void> | undefined;
  /** Changes of the objects are carried out one after the other. */
  #applying: Promise<void> = Promise.resolve();
  #problem: string | undefined = 'not started';

  constructor(options: GateQuotaOptions) {
    const { configuration, excludedNamespaces, metrics, log, clock } = options;
    this.#options = options;
    this.#log = log.child({ component: 'quota' });
    this.#begun = clock.monotonic();
    this.#figures = quotaMetrics(metrics);
    this.#memberEvents =
      configuration.store.mode === 'Hub'
        ? memberMetrics(metrics, () => this.#member?.status() ?? Promise.resolve([]))
        : undefined;
    this.#selection = new QuotaSelection({
      cluster: { name: configuration.cluster, labels: configuration.labels },
      excludedNamespaces,
    });
  }

  /** Begins, and returns at once: a store that cannot be reached is asked again, and keeps no other webhook from being served. */
  start(): void {
    this.#starting ??= this.#startUntilDone();
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new DOMException('the gate stops', 'AbortError'));
    await this.#starting;
    await this.#applying;
    await this.#parts?.stop();
  }

  health(): Health {
    if (this.#problem === undefined) return { kind: 'healthy' };
    const waits = this.#options.clock.monotonic() - this.#begun < startMilliseconds;
    return { kind: waits ? 'unhealthy' : 'degraded', reason: this.#problem };
  }

  #startUntilDone(): Promise<void> {
    const { signal } = this.#stopping;
    return untilDone(async () => void (this.#parts = await this.#open()), {
      clock: this.#options.clock,
      signal,
      onFailure: (error) => {
        if (!signal.aborted) this.#failed('quota cannot be enforced yet; trying again', error);
      },
    });
  }

  async #open(): Promise<OpenParts> {
    const { configuration, client, log, clock } = this.#options;
    const { signal } = this.#stopping;
    const parts = new OpenParts();
    try {
      const clusterId = await clusterIdOf(client, signal);
      const store = await ledgerStoreOf(configuration.store);
      const figures = this.#figures;
      const ledger = new Ledger({ store, clock, log, events: figures.ledger });
      await ledger.start();
      parts.onStop(() => ledger.stop());
      await ledger.registerCluster({ id: clusterId, name: configuration.cluster });
      const { store: location } = configuration;
      const hub =
        location.mode === 'Hub'
          ? await openQuotaMember({
              store: location,
              ledger,
              clusterId,
              clock,
              log: this.#log,
              ...(this.#memberEvents !== undefined && { events: this.#memberEvents }),
            })
          : undefined;
      this.#member = hub?.member;
      if (hub !== undefined) parts.onStop(() => hub.close());
      const { source, client: objectsClient, close } = await openQuotaObjects({ configuration, client, clock, log });
      parts.onStop(close);
      const writer =
        // Of slices only the hub knows how much all clusters use.
        objectsClient === undefined || hub !== undefined
          ? undefined
          : new QuotaStatusWriter({ client: objectsClient, reader: ledgerReader(ledger), clock, log });
      const observer = new QuotaObserver({
        client,
        ledger,
        clusterId,
        selection: this.#selection,
        metrics: figures.observer,
        onChanged: (quotas) => writer?.changed(quotas),
        clock,
        log,
      });
      parts.onStop(() => observer.stop());
      source.start();
      await source.waitForSync(signal);
      let isTellingAnew = false;
      // Another gate of this cluster may take a quota for gone before this one does: what is known here is told anew. The
      // request itself ends in a fault, since what that gate took off has to be counted again.
      const admitter: Admitter = {
        reserve: (reservation, asking) =>
          (hub?.member ?? ledger).reserve(reservation, asking).catch((error: unknown) => {
            if (error instanceof UnknownQuotaError && !isTellingAnew) {
              isTellingAnew = true;
              this.#enqueue(async () => {
                if (source.current !== undefined) await apply(source.current);
                isTellingAnew = false;
              });
            }
            throw error;
          }),
      };
      const webhook = (): WebhookDefinition | undefined =>
        quotaWebhook({
          clusterId,
          selection: this.#selection,
          admitter,
          context: observer.context,
          isCounted: (quota, resource) => observer.isCounted(quota, resource),
          labelsOf: (namespace, asking) => observer.labelsOf(namespace, asking),
          onAdmitted: (reservation) => {
            observer.expect(reservation.key, reservation.old?.resourceVersion);
            writer?.changed(reservation.quotas);
          },
          onFault: figures.fault,
          clock,
        });
      const apply = async (set: ObjectSet<GlobalQuota>): Promise<void> => {
        const quotas = set.objects.map(({ object }) => object);
        await Promise.all(quotas.map((quota) => (hub?.member ?? ledger).setTerms(termsOf(quota))));
        await observer.setQuotas(quotas);
        hub?.member.endTerms(new Set(quotas.map(({ id }) => id)));
        writer?.set(set);
        this.#options.onWebhook(webhook());
      };
      // Before the first question is answered: what decides which quotas an object falls under.
      await observer.start(signal);
      if (source.current !== undefined) await apply(source.current);
      hub?.member.start();
      writer?.start();
      if (writer !== undefined) parts.onStop(() => writer.stop());
      source.subscribe((set) => this.#enqueue(() => apply(set)));
      this.#problem = undefined;
      this.#log.info('quota is enforced', { cluster: configuration.cluster, quotas: this.#selection.quotas.length });
      return parts;
    } catch (error) {
      await parts.stop();
      throw error;
    }
  }

  /** After those before it. */
  #enqueue(change: () => Promise<void>): void {
    const attempt = async (): Promise<void> => {
      await change();
      this.#problem = undefined;
    };
    const onFailure = (error: unknown): void =>
      this.#failed('a change of the quotas could not be carried out; trying again', error);
    const options = { clock: this.#options.clock, signal: this.#stopping.signal, onFailure };
    this.#applying = this.#applying.then(() => untilDone(attempt, options));
  }

  #failed(what: string, error: unknown): void {
    this.#problem = error instanceof Error ? error.message : String(error);
    this.#log.error(what, { reason: this.#problem });
  }
}
