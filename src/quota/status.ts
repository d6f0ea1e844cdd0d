import type { KubernetesObject } from '../api/object-meta.ts';
import { Quantity } from '../api/quantity.ts';
import { isNotFound, type KubeClient, type ObjectAddress, type ObjectSet } from '../kube/index.ts';
import type { Clock, Logger } from '../telemetry/index.ts';
import { addInto, formatResourceList, maskList, type ResourceListBody } from '../usage/resource-list.ts';
import type { ResourceList } from '../usage/index.ts';
import { globalQuotaKind, type GlobalQuota } from './global-quota.ts';

/** What a quota holds, place by place; see {@link QuotaReader}. */
export interface QuotaUse {
  readonly used: ResourceList;
  readonly reserved: ResourceList;
}

export interface PlaceUse extends QuotaUse {
  /** Name of the cluster. */
  readonly cluster: string;
  readonly namespace: string;
}

/** What the status, the command line and a console read. */
export interface QuotaReader {
  /** What each namespace of each cluster uses of a quota; places that use nothing are left out. */
  placesOf(quotaId: string): Promise<readonly PlaceUse[]>;
}

export interface StatusWriterOptions {
  /** Of the cluster that has the GlobalQuota objects. */
  readonly client: KubeClient;
  readonly reader: QuotaReader;
  readonly clock: Clock;
  readonly log: Logger;
}

export const statusFieldManager = 'sallyport-quota';

/** More namespaces than these are not in the status; the command line shows all. */
const maxNamespaces = 100;
/** Changes within this time make one write. */
const settleMilliseconds = 1_000;
/** Also quotas that nothing was heard of: other clusters change them too. */
const sweepMilliseconds = 60_000;

interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
  readonly lastTransitionTime: string;
}

export interface GlobalQuotaStatus {
  readonly observedGeneration: number;
  readonly summary: string;
  readonly hard: ResourceListBody;
  readonly used: ResourceListBody;
  readonly reserved: ResourceListBody;
  readonly clusters: readonly (UseBody & { readonly name: string })[];
  readonly namespaces: readonly (UseBody & { readonly cluster: string; readonly name: string })[];
}

interface UseBody {
  readonly used: ResourceListBody;
  readonly reserved: ResourceListBody;
}

/** The status of a quota, without conditions. */
export function statusOf(quota: GlobalQuota, places: readonly PlaceUse[]): GlobalQuotaStatus {
  const names = [...quota.hard.keys()];
  const total = sumOf(places, names);
  const clusters = [...Map.groupBy(places, ({ cluster }) => cluster)]
    .map(([name, own]) => ({ name, ...bodyOf(sumOf(own, names)) }))
    .sort((left, right) => (left.name < right.name ? -1 : 1));
  const share = (place: PlaceUse): number => fullest(quota, place)?.share ?? 0;
  const namespaces = [...places]
    .sort((left, right) => share(right) - share(left))
    .slice(0, maxNamespaces)
    .map((place) => ({ cluster: place.cluster, name: place.namespace, ...bodyOf(sumOf([place], names)) }));
  const most = fullest(quota, total);
  return {
    observedGeneration: quota.generation,
    summary: most === undefined ? '' : `${most.resource} ${String(most.amount)}/${String(most.limit)}`,
    hard: formatResourceList(quota.hard),
    ...bodyOf(total),
    clusters,
    namespaces,
  };
}

/** Names of the resources of which more is used or admitted than the limit. */
export function exceededResources(quota: GlobalQuota, places: readonly PlaceUse[]): string[] {
  const total = sumOf(places, [...quota.hard.keys()]);
  return [...quota.hard].flatMap(([name, limit]) => (amountOf(total, name).compare(limit) > 0 ? [name] : []));
}

/** Of the names that are limited; those that nothing counts towards are there too, with zero. */
function sumOf(places: readonly QuotaUse[], names: readonly string[]): QuotaUse {
  const zeros = (): Map<string, Quantity> => new Map(names.map((name) => [name, Quantity.zero]));
  const [used, reserved] = [zeros(), zeros()];
  for (const place of places) {
    addInto(used, maskList(place.used, names));
    addInto(reserved, maskList(place.reserved, names));
  }
  return { used, reserved };
}

function bodyOf({ used, reserved }: QuotaUse): UseBody {
  return { used: formatResourceList(used), reserved: formatResourceList(reserved) };
}

function amountOf({ used, reserved }: QuotaUse, name: string): Quantity {
  return (used.get(name) ?? Quantity.zero).add(reserved.get(name) ?? Quantity.zero);
}

/** The resource of which the greatest part is gone. A limit of nothing is not counted. */
function fullest(
  { hard }: GlobalQuota,
  use: QuotaUse,
):
  | { readonly resource: string; readonly amount: Quantity; readonly limit: Quantity; readonly share: number }
  | undefined {
  const shares = [...hard]
    .filter(([, limit]) => !limit.isZero())
    .map(([resource, limit]) => {
      const amount = amountOf(use, resource);
      return { resource, amount, limit, share: Number((amount.nano() * 10_000n) / limit.nano()) };
    });
  return shares.sort((left, right) => right.share - left.share)[0];
}

/**
 * Writes into the GlobalQuota objects of a cluster what the ledger holds, and whether their spec could be read. Several
 * gates may do so for one object: they write the same, and nothing when it is there already.
 */
export class QuotaStatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #stopping = new AbortController();
  #quotas = new Map<string, GlobalQuota>();
  #problems = new Map<string, string>();
  readonly #dirty = new Set<string>();
  #writing: Promise<void> = Promise.resolve();
  #cancelWrite: (() => void) | undefined;
  #cancelSweep: (() => void) | undefined;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  start(): void {
    this.#sweep();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#cancelWrite?.();
    this.#cancelSweep?.();
    await this.#writing;
  }

  /** Takes the objects as they are now. */
  set({ objects, problems }: ObjectSet<GlobalQuota>): void {
    this.#quotas = new Map(objects.map(({ object }) => [object.name, object]));
    const prefix = `${globalQuotaKind.kind} `;
    this.#problems = new Map(
      [...Map.groupBy(problems, ({ origin }) => origin)]
        .filter(([origin]) => origin.startsWith(prefix))
        .map(([origin, found]) => [origin.slice(prefix.length), found.map(({ message }) => message).join('; ')]),
    );
    for (const name of [...this.#quotas.keys(), ...this.#problems.keys()]) this.#dirty.add(name);
    this.#writeSoon();
  }

  /** What these quotas hold may have changed. */
  changed(quotaIds: Iterable<string>): void {
    const ids = new Set(quotaIds);
    for (const { id, name } of this.#quotas.values()) if (ids.has(id)) this.#dirty.add(name);
    if (this.#dirty.size > 0) this.#writeSoon();
  }

  #sweep(): void {
    for (const name of this.#quotas.keys()) this.#dirty.add(name);
    this.#writeSoon();
    if (!this.#stopping.signal.aborted) {
      this.#cancelSweep = this.#options.clock.after(sweepMilliseconds, () => this.#sweep());
    }
  }

  #writeSoon(): void {
    if (this.#cancelWrite !== undefined || this.#stopping.signal.aborted) return;
    this.#cancelWrite = this.#options.clock.after(settleMilliseconds, () => {
      this.#writing = this.#writeAll().finally(() => {
        this.#cancelWrite = undefined;
        if (this.#dirty.size > 0) this.#writeSoon();
      });
    });
  }

  async #writeAll(): Promise<void> {
    for (const name of [...this.#dirty]) {
      if (this.#stopping.signal.aborted) return;
      this.#dirty.delete(name);
      try {
        await this.#write(name);
      } catch (error) {
        if (this.#stopping.signal.aborted || isNotFound(error)) continue;
        // The next sweep tries again.
        const reason = error instanceof Error ? error.message : String(error);
        this.#options.log.warn('the status of a quota could not be written', { quota: name, reason });
      }
    }
  }

  async #write(name: string): Promise<void> {
    const { client, reader } = this.#options;
    const { signal } = this.#stopping;
    const { group, version, resource, kind } = globalQuotaKind;
    const address: ObjectAddress = { group, version, resource, name };
    const current = await client.get<StoredQuota>(address, { signal });
    const quota = this.#quotas.get(name);
    const places = quota === undefined ? [] : await reader.placesOf(quota.id);
    const problem = this.#problems.get(name);
    const status = {
      ...(quota !== undefined && statusOf(quota, places)),
      conditions: this.#conditions(current, quota, problem, places),
    };
    if (isSame(current.status, status)) return;
    const body = { apiVersion: `${group}/${version}`, kind, metadata: { name }, status };
    await client.apply({ ...address, subresource: 'status' }, body, {
      fieldManager: statusFieldManager,
      force: true,
      signal,
    });
  }

  #conditions(
    current: StoredQuota,
    quota: GlobalQuota | undefined,
    problem: string | undefined,
    places: readonly PlaceUse[],
  ): Condition[] {
    const observedGeneration = current.metadata?.generation ?? 0;
    const now = new Date(this.#options.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
    const condition = (type: string, isTrue: boolean, reason: string, message: string): Condition => {
      const status = isTrue ? 'True' : 'False';
      const before = current.status?.conditions?.find((each) => each.type === type);
      const lastTransitionTime = before?.status === status ? before.lastTransitionTime : now;
      return { type, status, reason, message, observedGeneration, lastTransitionTime };
    };
    const accepted =
      problem === undefined
        ? condition('Accepted', true, 'Valid', 'the quota is in force')
        : condition('Accepted', false, 'Invalid', keepsText(problem, quota !== undefined));
    if (quota === undefined) return [accepted];
    const exceeded = exceededResources(quota, places);
    return [
      accepted,
      exceeded.length === 0
        ? condition('Exceeded', false, 'WithinLimits', 'nothing is above its limit')
        : condition(
            'Exceeded',
            true,
            'AboveLimits',
            `above the limit: ${exceeded.join(', ')}; nothing more is admitted`,
          ),
    ];
  }
}

function keepsText(problem: string, keepsFormer: boolean): string {
  return keepsFormer ? `${problem}; the former state stays in force` : problem;
}

interface StoredQuota extends KubernetesObject {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/** Compared as text with sorted keys: the API server may give them in another order. */
function isSame(left: unknown, right: unknown): boolean {
  return sortedText(left) === sortedText(right);
}

function sortedText(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([left], [right]) => (left < right ? -1 : 1)))
      : each,
  );
}
