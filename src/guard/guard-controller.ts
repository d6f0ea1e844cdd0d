import type { WebhookDefinition } from '../admission/index.ts';
import type { Namespace, Pod } from '../api/generated/core.v1.ts';
import { Informer, type KubeClient } from '../kube/index.ts';
import { silentLogger, systemClock, type Clock, type Logger } from '../telemetry/index.ts';
import { Gatekeeper } from './gatekeeper.ts';
import type { GuardSet } from './guard.ts';
import { guardLabel, guardLabelValue, stateOf, type GuardState } from './guard-state.ts';
import { Membership } from './membership.ts';
import type { GuardObserver } from './observer.ts';
import type { PodCache } from './pod-cache.ts';
import { Slots } from './slots.ts';
import { guardWebhooks } from './webhooks.ts';
import { Worker } from './worker.ts';

export interface GuardControllerOptions {
  readonly client: KubeClient;
  readonly guards: GuardSet;
  /** Where the guard keeps its Leases: its own namespace. */
  readonly namespace: string;
  /** Of this replica, such as the name of its Pod; no two that run may share one. */
  readonly identity: string;
  /** User name under which `client` writes; see {@link askOwnUser}. */
  readonly user: string;
  /** A replica that has not renewed its Lease for this long is taken for dead. Default 15. */
  readonly leaseSeconds?: number;
  /** One call of a hook takes no longer. Default 30. */
  readonly hookTimeoutSeconds?: number;
  /** A Pod of which the state cannot be read or written for this long is let go. Default 600. */
  readonly failOpenAfterSeconds?: number;
  /** Default: nobody. */
  readonly observer?: GuardObserver;
  readonly clock?: Clock;
  readonly log?: Logger;
}

/** A hold as views show it. */
export interface HoldView {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly state: GuardState;
}

/** The deletion guard of one replica: its webhooks, and the worker that drives what they began. */
export class GuardController {
  readonly #pods: Informer<Pod>;
  readonly #namespaces: Informer<Namespace>;
  readonly #worker: Worker;
  readonly #webhooks: readonly WebhookDefinition[];

  constructor(options: GuardControllerOptions) {
    const { client, guards, namespace, identity, user } = options;
    const { observer = {}, clock = systemClock, log = silentLogger } = options;
    const { leaseSeconds = 15, hookTimeoutSeconds = 30, failOpenAfterSeconds = 600 } = options;
    const selector = `${guardLabel}=${guardLabelValue}`;
    this.#pods = new Informer<Pod>({
      client,
      collection: { group: '', version: 'v1', resource: 'pods' },
      labelSelector: selector,
      transform: withoutManagedFields,
      clock,
      logger: log,
    });
    this.#namespaces = new Informer<Namespace>({
      client,
      collection: { group: '', version: 'v1', resource: 'namespaces' },
      labelSelector: selector,
      transform: withoutManagedFields,
      clock,
      logger: log,
    });
    const pods = podCache(this.#pods);
    const slots = new Slots({ client, namespace, clock });
    const membership = new Membership({ client, namespace, identity, leaseSeconds, clock });
    this.#worker = new Worker({ client, guards, pods, membership, slots, hookTimeoutSeconds, observer, clock, log });
    const gatekeeper = new Gatekeeper({
      client,
      guards,
      pods,
      isTerminating: (name) => this.#namespaces.lister.get(name)?.metadata?.deletionTimestamp !== undefined,
      slots,
      identity,
      claimed: (pod) => this.#worker.claimed(pod),
      failOpenAfterSeconds,
      observer,
      clock,
      log,
    });
    this.#webhooks = guardWebhooks({ gatekeeper, guards, user });
  }

  /** To be registered and served by the gate. */
  webhooks(): readonly WebhookDefinition[] {
    return this.#webhooks;
  }

  /**
   * Resolves when the guarded Pods are known and the holds of this replica go on. Rejects with the signal's reason, and
   * when the replica's Lease cannot be written.
   */
  async start(signal?: AbortSignal): Promise<void> {
    this.#pods.start();
    this.#namespaces.start();
    await Promise.all([this.#pods.waitForSync(signal), this.#namespaces.waitForSync(signal)]);
    await this.#worker.start(signal);
  }

  /** Calls no hook any more; other replicas go on at once with what was under way. */
  async stop(): Promise<void> {
    await this.#worker.stop();
    await Promise.all([this.#pods.stop(), this.#namespaces.stop()]);
  }

  /** Whether this replica has seen the guarded Pods once. */
  get hasSynced(): boolean {
    return this.#pods.hasSynced && this.#namespaces.hasSynced;
  }

  /** Every Pod with a state, of whichever replica. */
  holds(): HoldView[] {
    return this.#pods.lister.list().flatMap((pod) => {
      const state = stateOf(pod);
      const { namespace = '', name = '', uid = '' } = pod.metadata ?? {};
      return state === undefined ? [] : [{ namespace, name, uid, state }];
    });
  }
}

/** The user name that the API server knows a client by. Throws what the client throws. */
export async function askOwnUser(client: KubeClient, signal?: AbortSignal): Promise<string> {
  const review = await client.create<{ readonly status?: { readonly userInfo?: { readonly username?: string } } }>(
    { group: 'authentication.k8s.io', version: 'v1', resource: 'selfsubjectreviews' },
    { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    { signal },
  );
  return review.status?.userInfo?.username ?? '';
}

function podCache(informer: Informer<Pod>): PodCache {
  return {
    get: (name, namespace) => informer.lister.get(name, namespace),
    list: () => informer.lister.list(),
    subscribe: ({ changed, deleted }) =>
      informer.addHandler({ add: changed, update: (_before, after) => changed(after), delete: deleted }),
  };
}

/** They are most of an object's size, and nobody here reads them. */
function withoutManagedFields<T extends { metadata?: object | undefined }>(object: T): T {
  const { metadata } = object;
  if (metadata === undefined || !('managedFields' in metadata)) return object;
  const { managedFields: _managedFields, ...rest } = metadata;
  return { ...object, metadata: rest };
}
