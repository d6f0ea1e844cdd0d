import { createHash } from 'node:crypto';
import type { Lease } from '../api/generated/coordination.v1.ts';
import type { Pod } from '../api/generated/core.v1.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../kube/index.ts';
import type { Clock } from '../telemetry/index.ts';
import type { GuardClient } from './guard-client.ts';
import { stateOf, takesSlot } from './guard-state.ts';
import { leases, microTime } from './membership.ts';
import { readPod } from './pod-store.ts';
import { workloadOf } from './workload.ts';

export interface SlotsOptions {
  readonly client: GuardClient;
  /** Where the Leases are: the guard's own. */
  readonly namespace: string;
  readonly clock: Clock;
}

/** How long whoever took a place has to write the state of its Pod: a request of the client takes no longer. */
const claimMilliseconds = 30_000;

/**
 * The places of a workload for Pods that leave, one Lease each. Its creation is what no two replicas can do, so that two
 * Pods of one workload never begin together, however many delete them.
 */
export class Slots {
  readonly #options: SlotsOptions;

  constructor(options: SlotsOptions) {
    this.#options = options;
  }

  /**
   * Takes one of `count` places for this Pod, if there is one, or has it already. A Pod without a controller needs none.
   * Throws what the client throws.
   */
  async acquire(pod: Pod, count: number, signal?: AbortSignal): Promise<boolean> {
    const workload = workloadOf(pod);
    if (workload === undefined) return true;
    const holders: Lease[] = [];
    for (let index = 0; index < count; index++) {
      const lease = this.#leaseOf(workload, index, pod);
      const holder = await this.#read(lease, signal);
      if (holder !== undefined) holders.push(holder);
      else if (await this.#create(lease, signal)) return true;
    }
    const own = holders.find(({ spec }) => spec?.holderIdentity === pod.metadata?.uid);
    // Written again, so that nobody who judged it by its former state takes it.
    if (own !== undefined) return this.#replace(own, workload, pod, signal);
    for (const holder of holders) {
      if ((await this.#isStale(holder, signal)) && (await this.#replace(holder, workload, pod, signal))) return true;
    }
    return false;
  }

  /**
   * Gives the place of a Pod back that is gone or terminating. That of one that stays is taken by whoever needs it: the
   * Pod itself may just be asked to leave again. Throws what the client throws.
   */
  async release(pod: Pod, count: number, signal?: AbortSignal): Promise<void> {
    const workload = workloadOf(pod);
    if (workload === undefined) return;
    for (let index = 0; index < count; index++) {
      const address = { ...leases(this.#options.namespace), name: leaseName(workload, index) };
      try {
        const lease = await this.#options.client.get<Lease>(address, { signal });
        if (lease.spec?.holderIdentity === pod.metadata?.uid) await this.#remove(lease, signal);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }

  /** Removes places that dead replicas left behind. Throws what the client throws. */
  async sweep(signal?: AbortSignal): Promise<void> {
    const { client, namespace } = this.#options;
    const { items } = await client.list<Lease>(leases(namespace), { labelSelector: `${slotLabel}=true`, signal });
    for (const lease of items) if (await this.#isStale(lease, signal)) await this.#remove(lease, signal);
  }

  async #read(lease: Lease, signal: AbortSignal | undefined): Promise<Lease | undefined> {
    const { client, namespace } = this.#options;
    try {
      return await client.get<Lease>({ ...leases(namespace), name: lease.metadata?.name ?? '' }, { signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #create(lease: Lease, signal: AbortSignal | undefined): Promise<boolean> {
    const { client, namespace } = this.#options;
    try {
      await client.create(leases(namespace), lease, { signal });
      return true;
    } catch (error) {
      if (isAlreadyExists(error)) return false;
      throw error;
    }
  }

  /** Whether this Pod has the place now. */
  async #replace(holder: Lease, workload: string, pod: Pod, signal: AbortSignal | undefined): Promise<boolean> {
    const { client, namespace } = this.#options;
    const { name = '', resourceVersion } = holder.metadata ?? {};
    const lease = this.#leaseOf(workload, 0, pod);
    try {
      const metadata = { ...lease.metadata, name, resourceVersion };
      await client.replace({ ...leases(namespace), name }, { ...lease, metadata }, { signal });
      return true;
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return false;
      throw error;
    }
  }

  /** Whether its Pod does not leave (any more). */
  async #isStale({ metadata, spec }: Lease, signal: AbortSignal | undefined): Promise<boolean> {
    const { client, clock } = this.#options;
    if (clock.now() - Date.parse(spec?.acquireTime ?? '') < claimMilliseconds) return false;
    const { [podNamespaceAnnotation]: namespace, [podNameAnnotation]: name } = metadata?.annotations ?? {};
    const pod = await readPod(client, { metadata: { namespace, name, uid: spec?.holderIdentity } }, { signal });
    return pod === undefined || pod.metadata?.deletionTimestamp !== undefined || !takesSlot(stateOf(pod));
  }

  async #remove({ metadata }: Lease, signal: AbortSignal | undefined): Promise<void> {
    const { client, namespace } = this.#options;
    const { name = '', uid, resourceVersion } = metadata ?? {};
    const preconditions = {
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
    };
    try {
      await client.delete({ ...leases(namespace), name }, { preconditions, signal });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  #leaseOf(workload: string, index: number, { metadata }: Pod): Lease {
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name: leaseName(workload, index),
        namespace: this.#options.namespace,
        labels: { [slotLabel]: 'true' },
        annotations: {
          [podNamespaceAnnotation]: metadata?.namespace ?? '',
          [podNameAnnotation]: metadata?.name ?? '',
        },
      },
      spec: { holderIdentity: metadata?.uid, acquireTime: microTime(this.#options.clock.now()) },
    };
  }
}

const slotLabel = 'sallyport.dev/guard-slot';
const podNamespaceAnnotation = 'sallyport.dev/pod-namespace';
const podNameAnnotation = 'sallyport.dev/pod-name';

function leaseName(workload: string, index: number): string {
  return `guard-slot-${createHash('sha256').update(workload).digest('hex').slice(0, 32)}-${index}`;
}
