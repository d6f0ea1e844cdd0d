import type { Lease } from '../api/generated/coordination.v1.ts';
import { isConflict, isNotFound, type CollectionAddress } from '../kube/index.ts';
import type { Clock } from '../telemetry/index.ts';
import type { GuardClient } from './guard-client.ts';

export interface MembershipOptions {
  readonly client: GuardClient;
  /** Where the Leases are: the guard's own. */
  readonly namespace: string;
  /** Of this replica; a process that bears it again after a crash goes on with what the former one held. */
  readonly identity: string;
  /** A replica that has not renewed its Lease for this long is taken for dead. */
  readonly leaseSeconds: number;
  readonly clock: Clock;
}

/**
 * Which replicas of the guard live: each renews one Lease. The heartbeat is not kept on Pods, since each write to a Pod
 * wakes its controller, and this way ten thousand holds cost as many renewals as one.
 */
export class Membership {
  readonly #options: MembershipOptions;
  /** By its own clock, when this replica last knew its Lease to be renewed. */
  #renewedAt = -Infinity;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  get identity(): string {
    return this.#options.identity;
  }

  /** Milliseconds between two renewals. */
  get renewMilliseconds(): number {
    return (this.#options.leaseSeconds * 1000) / 3;
  }

  /** Whether no other replica can take this one for dead: only then may it call hooks. */
  isAlive(): boolean {
    return this.#options.clock.monotonic() - this.#renewedAt < this.renewMilliseconds * 2;
  }

  /** Renews the Lease of this replica. Throws what the client throws. */
  async renew(signal?: AbortSignal): Promise<void> {
    const { client, identity, leaseSeconds, clock } = this.#options;
    // Counted from before the write: it may take long.
    const startedAt = clock.monotonic();
    const lease: Lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: leaseName(identity), namespace: this.#options.namespace, labels: { [replicaLabel]: 'true' } },
      spec: {
        holderIdentity: identity,
        leaseDurationSeconds: Math.ceil(leaseSeconds),
        renewTime: microTime(clock.now()),
      },
    };
    const address = { ...this.#leases(), name: leaseName(identity) };
    try {
      await client.patch(address, { type: 'merge', changes: lease }, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await client.create(this.#leases(), lease, { signal });
    }
    this.#renewedAt = startedAt;
  }

  /** Of these replicas, those that are dead as of now; asked anew. Throws what the client throws. */
  async findDead(identities: ReadonlySet<string>, signal?: AbortSignal): Promise<Set<string>> {
    const dead = new Set<string>();
    for (const identity of identities) {
      if (identity !== this.identity && (await this.#isDead(identity, signal))) dead.add(identity);
    }
    return dead;
  }

  /** Gives the Lease back, so that others need not wait for it to lapse. */
  async leave(signal?: AbortSignal): Promise<void> {
    this.#renewedAt = -Infinity;
    try {
      await this.#options.client.delete({ ...this.#leases(), name: leaseName(this.identity) }, { signal });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  async #isDead(identity: string, signal: AbortSignal | undefined): Promise<boolean> {
    const { client, clock } = this.#options;
    try {
      const { spec } = await client.get<Lease>({ ...this.#leases(), name: leaseName(identity) }, { signal });
      const renewedAt = Date.parse(spec?.renewTime ?? '');
      const durationSeconds = spec?.leaseDurationSeconds ?? 0;
      return Number.isNaN(renewedAt) || clock.now() >= renewedAt + durationSeconds * 1000;
    } catch (error) {
      if (isNotFound(error)) return true;
      throw error;
    }
  }

  #leases(): CollectionAddress {
    return leases(this.#options.namespace);
  }
}

const replicaLabel = 'sallyport.dev/guard-replica';

export function leases(namespace: string): CollectionAddress {
  return { group: 'coordination.k8s.io', version: 'v1', resource: 'leases', namespace };
}

function leaseName(identity: string): string {
  return `guard-replica-${identity}`;
}

/** A MicroTime must have six digits. Source: k8s.io/apimachinery pkg/apis/meta/v1/micro_time.go, RFC3339Micro. */
export function microTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000Z');
}
