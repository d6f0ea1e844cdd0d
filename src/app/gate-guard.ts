import { hostname } from 'node:os';
import { WebhookRegistry, type WebhookDefinition } from '../admission/index.ts';
import type { Health } from '../certs/index.ts';
import {
  askOwnUser,
  declareGuardWebhooks,
  deletionGuardKind,
  GuardController,
  guardDecisions,
  guardEvents,
  guardMetrics,
  guardObservers,
  Guards,
  Hooks,
  type DeletionGuard,
  type GuardDefinition,
} from '../guard/index.ts';
import {
  clusterObjectSource,
  folderObjectSource,
  KubeClient,
  wait,
  type ClusterConfig,
  type ObjectSource,
} from '../kube/index.ts';
import { loadGuards } from '../sources/webhook-files.ts';
import type { AuditSink, Clock, Logger, Metrics } from '../telemetry/index.ts';
import type { GateConfiguration } from './gate-configuration.ts';
import type { GuardConfiguration } from './guard-configuration.ts';
import { stopInTurn } from './stop-all.ts';

/** What is known of the guard before it runs. */
export interface GuardPlan {
  readonly configuration: GuardConfiguration;
  /** User name under which the gate writes to Pods. */
  readonly user: string;
  /** Guards of users' files. */
  readonly definitions: readonly GuardDefinition[];
}

/** Undefined when the configuration has no guard. `cluster` is asked only where the configuration does not tell our user. */
export async function planGuard(
  { guard, registration, webhooks }: GateConfiguration,
  cluster: ClusterConfig,
): Promise<GuardPlan | undefined> {
  if (guard === undefined) return undefined;
  const { service } = registration;
  const account = service === undefined ? undefined : `system:serviceaccount:${service.namespace}:${service.name}`;
  const user = guard.user ?? account ?? (await whoWeAre(cluster));
  return { configuration: guard, user, definitions: await loadGuards(webhooks.paths) };
}

async function whoWeAre(cluster: ClusterConfig): Promise<string> {
  const client = new KubeClient(cluster);
  try {
    return await askOwnUser(client);
  } finally {
    client.close();
  }
}

/** With the webhooks of the guard, to be registered by a process that does not serve them. */
export async function withGuardWebhooks(
  registry: WebhookRegistry,
  configuration: GateConfiguration,
  cluster: ClusterConfig,
): Promise<WebhookRegistry> {
  const plan = await planGuard(configuration, cluster);
  return plan === undefined ? registry : new WebhookRegistry([...registry, ...declareGuardWebhooks(plan.user)]);
}

export interface GateGuardOptions {
  readonly plan: GuardPlan;
  readonly client: KubeClient;
  /** Where the replicas keep their Leases. */
  readonly namespace: string;
  readonly metrics: Metrics;
  readonly decisions: AuditSink | undefined;
  readonly log: Logger;
  readonly clock: Clock;
}

/** Between two attempts to begin while the API server cannot be asked. */
const retryMilliseconds = 1000;

/** The deletion guard in a gate: the guards in force, their hooks, and the controller that holds Pods by them. */
export class GateGuard {
  readonly #options: GateGuardOptions;
  readonly #source: ObjectSource<DeletionGuard>;
  readonly #hooks: Hooks;
  readonly #guards: Guards;
  readonly #controller: GuardController;
  readonly #stopping = new AbortController();
  #starting: Promise<void> = Promise.resolve();
  #problem: string | undefined = 'the guarded Pods are not known yet';

  /** Throws {@link InvalidGuardPolicyError} for a guard in a file that cannot come into force. */
  constructor(options: GateGuardOptions) {
    const { plan, client, namespace, metrics, decisions, clock } = options;
    const { folder, leaseSeconds, failOpenAfterSeconds } = plan.configuration;
    const log = options.log.child({ component: 'guard' });
    const identity = replicaIdentity();
    this.#options = { ...options, log };
    this.#source =
      folder === undefined
        ? clusterObjectSource({ client, kinds: [deletionGuardKind], clock, logger: log })
        : folderObjectSource({ folder, kinds: [deletionGuardKind], clock, logger: log });
    this.#hooks = new Hooks({ client, clock });
    this.#guards = new Guards({
      source: this.#source,
      definitions: plan.definitions,
      hooks: this.#hooks,
      client,
      clock,
      log,
    });
    this.#controller = new GuardController({
      client,
      guards: this.#guards,
      namespace,
      identity,
      user: plan.user,
      leaseSeconds,
      failOpenAfterSeconds,
      observer: guardObservers([
        guardMetrics(metrics, () => this.#controller.holds().map(({ state }) => state)),
        guardEvents({ client, identity, clock, log }),
        ...(decisions === undefined ? [] : [guardDecisions(decisions, clock)]),
      ]),
      clock,
      log,
    });
  }

  webhooks(): readonly WebhookDefinition[] {
    return this.#controller.webhooks();
  }

  /** Begins, and returns at once: an API server that is away delays it. */
  start(): void {
    this.#source.start();
    this.#starting = this.#start(this.#stopping.signal).catch(() => undefined);
  }

  /** Hands what is under way to other replicas. */
  async stop(): Promise<void> {
    this.#stopping.abort(new DOMException('the gate stops', 'AbortError'));
    await this.#starting;
    await stopInTurn(
      () => this.#controller.stop(),
      () => this.#guards.close(),
      () => this.#source.stop(),
      () => this.#hooks.close(),
    );
  }

  /** A replica that does not know the guarded Pods and the guards faults their removals, and must not be asked. */
  health(): Health {
    return this.#problem === undefined ? { kind: 'healthy' } : { kind: 'unhealthy', reason: this.#problem };
  }

  async #start(signal: AbortSignal): Promise<void> {
    const { log, clock } = this.#options;
    await this.#source.waitForSync(signal);
    for (;;) {
      try {
        await this.#controller.start(signal);
        this.#problem = undefined;
        log.info('the deletion guard is on duty');
        return;
      } catch (error) {
        signal.throwIfAborted();
        this.#problem = error instanceof Error ? error.message : String(error);
        log.warn('the deletion guard cannot begin yet', { problem: this.#problem });
        await wait(clock, retryMilliseconds, signal);
      }
    }
  }
}

/** In a cluster the name of our Pod, which outlives a restart of its container; elsewhere machines run several. */
function replicaIdentity(): string {
  return process.env['KUBERNETES_SERVICE_HOST'] === undefined
    ? `${hostname()}-${process.pid}`.toLowerCase()
    : hostname();
}
