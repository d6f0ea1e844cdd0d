import { isPrepaid, type Charge } from './charge.ts';
import type { Observation, ObservationOutcome, Settlement, SettlementOutcome } from './operations.ts';
import type { LedgerStore } from './store.ts';

/** A consistent list of one resource of a cluster: not one that the API server may have answered from an old cache. */
export interface RecountRequest {
  readonly cluster: string;
  readonly resource: string;
  /** {@link Ledger.now} from before the list was sent. */
  readonly listBegan: number;
  /** Of the list. */
  readonly resourceVersion: bigint;
  /** All objects, also those that no quota counts, and those that cannot be counted. */
  readonly objects: readonly (RecountedObject | UncountableObject)[];
}

export type RecountedObject = Omit<Extract<Observation, { type: 'present' }>, 'type' | 'key'> & {
  readonly uid: string;
};

/** One that is there, and nobody can say what it uses. */
export interface UncountableObject {
  readonly uid: string;
  readonly usage: null;
}

/** What was wrong, in numbers of objects. */
export interface RecountResult {
  /** Charged, and not in the cluster. */
  readonly gone: number;
  /** In the cluster, and not charged. */
  readonly discovered: number;
  /** Charged for something else than it is. */
  readonly changed: number;
  /** Reserved, and found as it was expected. */
  readonly confirmed: number;
  /** Reserved, and never stored. */
  readonly released: number;
  /** There, and not to be counted: left as they were charged, or not. */
  readonly uncountable: number;
}

interface RecountPorts {
  readonly charges: LedgerStore['charges'];
  readonly settle: (settlements: readonly Settlement[]) => Promise<readonly SettlementOutcome[]>;
  readonly observe: (observations: readonly Observation[]) => Promise<readonly ObservationOutcome[]>;
}

const pageSize = 250;

/**
 * Goes through the charges of a resource in pages, then through what is left of the list. Blocks that were held for objects
 * which nobody wrote down go last, when every such object is counted; while one cannot be, they stay.
 */
export class Recount {
  readonly #ports: RecountPorts;
  readonly #counts = { gone: 0, discovered: 0, changed: 0, confirmed: 0, released: 0, uncountable: 0 };

  constructor(ports: RecountPorts) {
    this.#ports = ports;
  }

  async run(request: RecountRequest, ended: ReadonlySet<string>): Promise<RecountResult> {
    const { cluster, resource, resourceVersion } = request;
    const left = new Map<string, RecountedObject>();
    const uncountable = new Set<string>();
    for (const object of request.objects) {
      if (object.usage === null) uncountable.add(object.uid);
      else left.set(object.uid, object);
    }
    this.#counts.uncountable = uncountable.size;
    // A charge that goes and comes back meanwhile may be read twice; it is no evidence the second time.
    const listed = new Set(request.objects.map(({ uid }) => uid));
    const blocks: Settlement[] = [];
    for (let after: Charge | undefined; ;) {
      const page = await this.#ports.charges({ cluster, resource, after, limit: pageSize });
      const countable = page.filter(({ key }) => !uncountable.delete(key.uid));
      const settlements = countable.flatMap(({ key, namespace }): Settlement[] => {
        const found = left.get(key.uid) ?? null;
        if (found === null && listed.has(key.uid)) return [];
        left.delete(key.uid);
        return [{ key, namespace, ended, found, asOf: resourceVersion }];
      });
      const ofObjects = settlements.filter(({ key }) => !isPrepaid(key));
      blocks.push(...settlements.filter(({ key }) => isPrepaid(key)));
      if (ofObjects.length > 0) this.#count(await this.#ports.settle(ofObjects));
      after = page.at(-1);
      if (page.length < pageSize) break;
    }
    const unknown = [...left.values()].filter(({ quotas }) => quotas.length > 0);
    for (let index = 0; index < unknown.length; index += pageSize) {
      const observations = unknown.slice(index, index + pageSize).map(({ uid, ...object }): Observation => {
        return { type: 'present', key: { cluster, resource, uid }, ...object };
      });
      this.#count(await this.#ports.observe(observations));
    }
    if (blocks.length > 0 && uncountable.size === 0) await this.#ports.settle(blocks);
    return this.#counts;
  }

  #count(outcomes: readonly SettlementOutcome[]): void {
    for (const outcome of outcomes) {
      if (outcome === 'unchanged') continue;
      this.#counts[outcome === 'late' ? 'discovered' : outcome] += 1;
    }
  }
}
