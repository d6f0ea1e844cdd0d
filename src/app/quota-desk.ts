import { randomUUID } from 'node:crypto';
import type { KubernetesObject } from '../api/object-meta.ts';
import { guessResource } from '../api/kind.ts';
import type { Manifest } from '../api/manifest.ts';
import { KubeClient, isNotFound, loadClusterConfig } from '../kube/index.ts';
import {
  clusterIdOf,
  explainObject,
  Ledger,
  noLedgerEvents,
  noObserverMetrics,
  QuotaObserver,
  QuotaSelection,
  termsOf,
  type ChargeSummary,
  type Cluster,
  type GlobalQuota,
  type LedgerEvents,
  type Member,
  type ObjectExplanation,
  type QuotaStanding,
  type RecountResult,
} from '../quota/index.ts';
import { silentLogger, systemClock, type Logger } from '../telemetry/index.ts';
import type { GateConfiguration } from './gate-configuration.ts';
import { InvalidConfigurationError } from './errors.ts';
import type { QuotaConfiguration } from './quota-configuration.ts';
import { openQuotaMember } from './quota-member.ts';
import { openQuotaObjects } from './quota-objects.ts';
import { ledgerStoreOf } from './quota-store.ts';
import { registrationOptions } from './registration-options.ts';

/** What is known of one quota, with names for the clusters. */
export interface NamedStanding extends QuotaStanding {
  readonly clusterName: (id: string) => string;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What is read of the cluster of the kubeconfig. */
interface Site {
  readonly client: KubeClient;
  readonly clusterId: string;
  readonly selection: QuotaSelection;
  readonly quotas: readonly GlobalQuota[];
}

/** The ledger of a configuration in the hands of a person, beside the gates that use it. */
export class QuotaDesk {
  readonly #configuration: GateConfiguration;
  readonly #quota: QuotaConfiguration;
  readonly #ledger: Ledger;
  /** What this process has put right, and what it could not count. */
  readonly #mended: Mutable<RecountResult>;
  readonly #log: Logger;

  private constructor(parts: {
    readonly configuration: GateConfiguration;
    readonly quota: QuotaConfiguration;
    readonly ledger: Ledger;
    readonly mended: Mutable<RecountResult>;
    readonly log: Logger;
  }) {
    this.#configuration = parts.configuration;
    this.#quota = parts.quota;
    this.#ledger = parts.ledger;
    this.#mended = parts.mended;
    this.#log = parts.log;
  }

  /** Throws {@link InvalidConfigurationError} for a configuration without quota, and {@link LedgerStoreError}. */
  static async open(configuration: GateConfiguration, log: Logger = silentLogger): Promise<QuotaDesk> {
    const { quota } = configuration;
    if (quota === undefined) throw new InvalidConfigurationError('quota is missing: this gate keeps no quota');
    const mended = { gone: 0, discovered: 0, changed: 0, confirmed: 0, released: 0, uncountable: 0 };
    const events: LedgerEvents = {
      ...noLedgerEvents,
      // Told by the watches that a recount reads by, which may be faster than it is.
      observed(outcome) {
        if (outcome !== 'unchanged' && outcome !== 'late') mended[outcome] += 1;
      },
    };
    const ledger = new Ledger({ store: await ledgerStoreOf(quota.store), clock: systemClock, log, events });
    await ledger.start();
    return new QuotaDesk({ configuration, quota, ledger, mended, log });
  }

  async close(): Promise<void> {
    await this.#ledger.stop();
  }

  /** All quotas of the ledger, by name. */
  async standings(): Promise<NamedStanding[]> {
    const quotas = await this.#ledger.quotas();
    const standings = await Promise.all(quotas.map(({ terms }) => this.#ledger.standing(terms.id)));
    const clusterName = await this.#clusterNames();
    return standings
      .flatMap((standing) => (standing === undefined ? [] : [{ ...standing, clusterName }]))
      .sort((left, right) => (left.terms.name < right.terms.name ? -1 : 1));
  }

  /** Undefined: the ledger knows no quota of this name. */
  async standing(name: string): Promise<NamedStanding | undefined> {
    return (await this.standings()).find(({ terms }) => terms.name === name);
  }

  /** Objects that take something of a quota. */
  async users(quotaId: string): Promise<ChargeSummary[]> {
    const found: ChargeSummary[] = [];
    for await (const charge of this.#ledger.summaries()) if (charge.quotas.has(quotaId)) found.push(charge);
    return found;
  }

  /** Charges of one object: by its uid, or as `pods/shop/web-0`. */
  async chargesOf(object: string, clusterId: string | undefined): Promise<ChargeSummary[]> {
    const [resource, namespace, name] = object.split('/');
    const found: ChargeSummary[] = [];
    for await (const charge of this.#ledger.summaries({ cluster: clusterId })) {
      const isIt =
        name === undefined
          ? charge.key.uid === object
          : charge.key.resource === resource && charge.namespace === namespace && charge.name === name;
      if (isIt) found.push(charge);
    }
    return found;
  }

  /** Frees charges without evidence that their objects are gone. Audited. Says how many held anything. */
  async release(charges: readonly ChargeSummary[], by: string, reason: string): Promise<number> {
    return this.#ledger.release(charges, { by, reason });
  }

  /** By name. */
  async clusters(): Promise<Cluster[]> {
    return (await this.#ledger.clusters()).sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  async forgetCluster(id: string, by: string, reason: string): Promise<number> {
    return this.#ledger.forgetCluster(id, { by, reason });
  }

  async renameCluster(id: string, name: string, by: string): Promise<void> {
    await this.#ledger.renameCluster(id, name, by);
  }

  /** Holds the ledger against what is in this cluster, resource by resource. Needs the cluster of the kubeconfig. */
  async recount(signal: AbortSignal): Promise<RecountResult> {
    const mended = this.#mended;
    await this.#inCluster(signal, async ({ client, clusterId, selection }) => {
      const observer = new QuotaObserver({
        client,
        ledger: this.#ledger,
        clusterId,
        selection,
        metrics: {
          ...noObserverMetrics,
          recounted(result) {
            for (const kind of Object.keys(mended) as (keyof RecountResult)[]) {
              mended[kind] += result[kind];
            }
          },
        },
        onChanged: () => undefined,
        clock: systemClock,
        log: this.#log,
      });
      try {
        await observer.start(signal);
        await observer.recount();
      } finally {
        await observer.stop();
      }
    });
    return mended;
  }

  /** What quotas make of manifests, as a dry run; workloads are taken with all their Pods. */
  async explain(manifests: readonly Manifest[], signal: AbortSignal): Promise<ObjectExplanation[]> {
    const explained: ObjectExplanation[] = [];
    await this.#asGate(signal, async ({ client, clusterId, selection, quotas, admitter }) => {
      for (const quota of quotas) await admitter.setTerms(termsOf(quota));
      for (const { object, kind } of manifests) {
        const resource = guessResource(kind);
        if (!resource.namespaced) continue;
        const namespace = object.metadata?.namespace ?? 'default';
        const labels = await labelsOf(client, namespace, signal);
        explained.push(
          ...(await explainObject({
            object,
            resource,
            namespace,
            quotas: selection.ofNamespace(namespace, labels),
            now: systemClock.now(),
            ask: ({ usage, quotas: ids, groupResource }) =>
              admitter.reserve({
                key: { cluster: clusterId, resource: groupResource, uid: randomUUID() },
                namespace,
                name: object.metadata?.name ?? '',
                attempt: randomUUID(),
                usage,
                quotas: ids,
                dryRun: true,
              }),
          })),
        );
      }
    });
    return explained;
  }

  /** With what a gate asks: of a member of a hub the ledger alone knows nothing but slices. */
  async #asGate(
    signal: AbortSignal,
    work: (site: Site & { readonly admitter: Ledger | Member }) => Promise<void>,
  ): Promise<void> {
    await this.#inCluster(signal, async (site) => {
      const { store } = this.#quota;
      if (store.mode !== 'Hub') return work({ ...site, admitter: this.#ledger });
      const { clusterId } = site;
      const parts = { store, ledger: this.#ledger, clusterId, clock: systemClock, log: this.#log };
      const { member, close } = await openQuotaMember(parts);
      try {
        await work({ ...site, admitter: member });
      } finally {
        await close();
      }
    });
  }

  async #inCluster(signal: AbortSignal, work: (site: Site) => Promise<void>): Promise<void> {
    const client = new KubeClient(await loadClusterConfig({ environment: process.env }));
    try {
      const configuration = this.#quota;
      const objects = await openQuotaObjects({ configuration, client, clock: systemClock, log: this.#log });
      try {
        objects.source.start();
        await objects.source.waitForSync(signal);
        const quotas = (objects.source.current?.objects ?? []).map(({ object }) => object);
        const selection = new QuotaSelection({
          cluster: { name: configuration.cluster, labels: configuration.labels },
          excludedNamespaces: registrationOptions(this.#configuration).excludedNamespaces,
        });
        selection.set(quotas);
        await work({ client, clusterId: await clusterIdOf(client, signal), selection, quotas });
      } finally {
        await objects.close();
      }
    } finally {
      client.close();
    }
  }

  async #clusterNames(): Promise<(id: string) => string> {
    const names = new Map((await this.#ledger.clusters()).map(({ id, name }) => [id, name]));
    return (id) => names.get(id) ?? id;
  }
}

async function labelsOf(
  client: KubeClient,
  namespace: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>> | undefined> {
  try {
    const address = { group: '', version: 'v1', resource: 'namespaces', name: namespace };
    return (await client.get<KubernetesObject>(address, { signal })).metadata?.labels ?? {};
  } catch (error) {
    if (isNotFound(error)) return {};
    throw error;
  }
}
