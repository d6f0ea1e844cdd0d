import { type GlobalQuota, selects } from './global-quota.ts';

/** This cluster as quotas select it. */
export interface ClusterFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

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

  ofNamespace(name: string, labels: Readonly<Record<string, string>> | undefined): GlobalQuota[] {
    if (name === '' || this.#excluded.has(name)) return [];
    return this.#quotas.filter((quota) => selects(quota.namespaces, name, labels));
  }
}
