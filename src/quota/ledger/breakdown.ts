import type { Clock } from '../../telemetry/index.ts';
import type { ResourceList } from '../../usage/index.ts';
import { resourceListOf, type Amounts } from './amounts.ts';
import { takenOf } from './draft.ts';
import type { Account, LedgerStore } from './store.ts';
import type { Exceeded, Verdict } from './verdict.ts';

/** Refusals come in storms, and each tells who uses the quota: read once in this time. */
const maxAgeMilliseconds = 1000;
/** Namespaces that a refusal names. */
const maxNamespaces = 5;

interface Taken {
  readonly cluster: string;
  readonly namespace: string;
  readonly amounts: Amounts;
}

interface Reading {
  readonly at: number;
  readonly accounts: Promise<readonly Taken[]>;
}

/** Adds to refusals which cluster and which namespace use how much. */
export class Breakdowns {
  readonly #store: LedgerStore;
  readonly #clock: Clock;
  readonly #readings = new Map<string, Reading>();
  #names: Promise<ReadonlyMap<string, string>> | undefined;

  constructor(store: LedgerStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** To be called when clusters have changed. */
  forgetClusters(): void {
    this.#names = undefined;
  }

  /** The verdict itself stays as it is. */
  async explain(verdict: Verdict): Promise<Verdict> {
    if (verdict.refusals.length === 0 && verdict.overruns.length === 0) return verdict;
    const [refusals, overruns] = await Promise.all([
      Promise.all(verdict.refusals.map((each) => this.#explainOne(each))),
      Promise.all(verdict.overruns.map((each) => this.#explainOne(each))),
    ]);
    return { ...verdict, refusals, overruns };
  }

  async #explainOne(exceeded: Exceeded): Promise<Exceeded> {
    let accounts: readonly Taken[];
    let names: ReadonlyMap<string, string>;
    try {
      [accounts, names] = await Promise.all([this.#read(exceeded.quota), (this.#names ??= this.#readNames())]);
    } catch {
      // The verdict stands, with less to say about it.
      this.#names = undefined;
      return exceeded;
    }
    const [first = ''] = exceeded.limited.keys();
    const uses = accounts.filter(({ amounts }) => amounts.has(first)).sort((a, b) => compareTaken(a, b, first));
    const usage = ({ cluster, amounts }: Taken) => ({
      cluster,
      clusterName: names.get(cluster) ?? cluster,
      used: only(amounts, exceeded.limited),
    });
    return {
      ...exceeded,
      byCluster: uses.filter(({ namespace }) => namespace === '').map(usage),
      byNamespace: uses
        .filter(({ namespace }) => namespace !== '')
        .slice(0, maxNamespaces)
        .map((taken) => ({ ...usage(taken), namespace: taken.namespace })),
    };
  }

  async #read(quota: string): Promise<readonly Taken[]> {
    const now = this.#clock.monotonic();
    const last = this.#readings.get(quota);
    if (last !== undefined && now - last.at < maxAgeMilliseconds) return last.accounts;
    const accounts = this.#store
      .accounts(quota)
      .then((all) => all.filter(({ cluster }) => cluster !== '').map(toTaken));
    this.#readings.set(quota, { at: now, accounts });
    accounts.catch(() => this.#readings.delete(quota));
    return accounts;
  }

  async #readNames(): Promise<ReadonlyMap<string, string>> {
    return new Map((await this.#store.clusters()).map(({ id, name }) => [id, name]));
  }
}

function toTaken({ cluster, namespace, balance }: Account): Taken {
  return { cluster, namespace, amounts: takenOf(balance) };
}

function compareTaken(a: Taken, b: Taken, name: string): number {
  const [left, right] = [a.amounts.get(name) ?? 0n, b.amounts.get(name) ?? 0n];
  return left > right ? -1 : left < right ? 1 : 0;
}

function only(amounts: Amounts, limited: ResourceList): ResourceList {
  return resourceListOf(new Map([...amounts].filter(([name]) => limited.has(name))), limited);
}
