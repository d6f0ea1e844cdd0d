import { createHash } from 'node:crypto';
import { type GlobalQuota, selects } from './global-quota.ts';
import type { ClusterFacts } from './ledger/index.ts';

export interface QuotaSelectionOptions {
  readonly cluster: ClusterFacts;
  /** Namespaces whose objects no quota counts: those that the webhook is not asked about. */
  readonly excludedNamespaces: readonly string[];
}

/** The quotas in force in this cluster, and which of them a namespace falls under. */
export class QuotaSelection {
  readonly #options: QuotaSelectionOptions;
  readonly #excluded: ReadonlySet<string>;
  #quotas: readonly GlobalQuota[] = [];

  constructor(options: QuotaSelectionOptions) {
    this.#options = options;
    this.#excluded = new Set(options.excludedNamespaces);
  }

  get cluster(): ClusterFacts {
    return this.#options.cluster;
  }

  /** Those that select this cluster, by name. */
  get quotas(): readonly GlobalQuota[] {
    return this.#quotas;
  }

  /** Takes the quotas of all clusters. */
  set(quotas: readonly GlobalQuota[]): void {
    const { name, labels } = this.#options.cluster;
    this.#quotas = quotas
      .filter((quota) => selects(quota.clusters, name, labels))
      .sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  /**
   * Names what a quota counts in this cluster: equal when the same objects count towards the same names. `''` for one that
   * does not select the cluster.
   */
  signatureOf({ hard, scopes, clusters, namespaces }: GlobalQuota): string {
    const { name, labels } = this.#options.cluster;
    if (!selects(clusters, name, labels)) return '';
    const { names, labels: matcher, isEverything } = namespaces;
    const selected = [isEverything, [...names].sort(), matcher?.toString() ?? null, [...this.#excluded].sort()];
    const facts = JSON.stringify([name, Object.entries(labels).sort(), [...hard.keys()].sort(), scopes, selected]);
    return createHash('sha256').update(facts).digest('base64url');
  }

  ofNamespace(name: string, labels: Readonly<Record<string, string>> | undefined): GlobalQuota[] {
    if (name === '' || this.#excluded.has(name)) return [];
    return this.#quotas.filter((quota) => selects(quota.namespaces, name, labels));
  }
}
