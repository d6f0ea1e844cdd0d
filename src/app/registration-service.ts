import { WebhookRegistry, type WebhookDefinition } from '../admission/index.ts';
import type { CertificateSource, Health } from '../certs/index.ts';
import { KubeClient, wait, type ClusterConfig } from '../kube/index.ts';
import type { Registrar } from '../registrar/index.ts';
import { metricsRoute, OperationsServer, type ListenAddress } from '../server/index.ts';
import type { Clock, Logger } from '../telemetry/index.ts';
import type { PrometheusMetrics } from '../telemetry/prometheus-metrics.ts';
import { findUnanswered } from './answer-probe.ts';
import type { GateConfiguration } from './gate-configuration.ts';
import { gateMetrics } from './gate-metrics.ts';
import { QuotaRegistration } from './quota-registration.ts';
import { registrationOptions } from './registration-options.ts';
import { registrationParts } from './registration-parts.ts';
import { stopInTurn } from './stop-all.ts';

export interface RegistrationServiceOptions {
  readonly configuration: GateConfiguration;
  readonly registry: WebhookRegistry;
  readonly cluster: ClusterConfig;
  /** Registers webhooks that could lock the cluster out, whatever the configuration says. */
  readonly force: boolean;
  readonly metrics: PrometheusMetrics;
  readonly log: Logger;
  readonly clock: Clock;
}

/** Between two looks whether the gate answers. */
const probeMilliseconds = 1000;
/**
 * Connections on which it must answer in a row: each may lead to another replica, and in a rollout some do not know the new
 * webhooks yet. With half of the replicas old, all of ten find a new one once in a thousand times.
 */
const probesInARow = 10;
/** A gate that is registered already may be unreachable for what is wrong with its registration. */
const patienceMilliseconds = 120_000;

/**
 * Keeps webhooks registered that other processes serve, and their certificate authority rotated: so that the identity which
 * serves need not write anything. Webhooks that nobody is registered for yet are registered when the gate answers, and not before.
 */
export class RegistrationService {
  readonly #options: RegistrationServiceOptions;
  readonly #client: KubeClient;
  readonly #registrar: Registrar;
  readonly #certificates: CertificateSource;
  readonly #operations: OperationsServer;
  readonly #quota: QuotaRegistration | undefined;
  readonly #stopping = new AbortController();
  #registry: WebhookRegistry;
  #unanswered: string | undefined = 'not asked yet';
  #registering: Promise<void> = Promise.resolve();
  #endSubscription: () => void = () => undefined;

  /** Throws {@link InvalidConfigurationError}, {@link InvalidRegistrationError} and {@link UnsafeRegistrationError}. */
  constructor(options: RegistrationServiceOptions) {
    const { configuration, registry, cluster, metrics, log, clock } = options;
    this.#options = options;
    this.#registry = registry;
    this.#client = new KubeClient(cluster);
    const { registrar, certificates } = registrationParts({
      configuration,
      client: this.#client,
      namespace: registrationOptions(configuration).ownNamespace ?? cluster.namespace,
      registry,
      role: 'keeper',
      force: options.force,
      log,
      clock,
    });
    this.#registrar = registrar;
    this.#certificates = certificates;
    if (configuration.quota !== undefined) {
      this.#quota = new QuotaRegistration({
        configuration: configuration.quota,
        client: this.#client,
        onWebhook: (webhook) => this.#setQuotaWebhook(webhook),
        log,
        clock,
      });
    }
    const { host, healthPort } = configuration.server;
    this.#operations = new OperationsServer({
      host,
      port: healthPort,
      routes: [metricsRoute(() => metrics.read())],
      readiness: [{ name: 'registration', healthy: () => this.#health() }],
      logger: log,
    });
    gateMetrics(metrics, { certificates: this.#certificates, registration: () => this.#registrar.state(), clock });
  }

  /** Resolves when there is a certificate authority and probes are answered; registration goes on from there. */
  async start(signal?: AbortSignal): Promise<ListenAddress> {
    const address = await this.#operations.start();
    await this.#certificates.start(signal);
    this.#endSubscription = this.#certificates.subscribe(() => this.#registrar.refresh());
    // It ends by our own stopping only, and tells of every failure before itself.
    this.#registering = this.#register(
      AbortSignal.any([this.#stopping.signal, ...(signal === undefined ? [] : [signal])]),
    ).catch(() => undefined);
    return address;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#endSubscription();
    await stopInTurn(
      () => this.#registrar.stop(),
      () => this.#registering,
      () => this.#quota?.stop(),
      () => this.#certificates.stop(),
      () => this.#operations.stop(),
      () => this.#client.close(),
    );
  }

  async #register(signal: AbortSignal): Promise<void> {
    const { configuration, log, clock } = this.#options;
    const { address } = registrationOptions(configuration);
    // Without knowing the quotas it would take away the rules for them that are registered.
    await this.#quota?.start(signal);
    const start = clock.monotonic();
    for (;;) {
      const unanswered = await findUnanswered(address, this.#registry, this.#certificates.caBundle(), probesInARow);
      if (unanswered === undefined) break;
      if (unanswered !== this.#unanswered) log.info('not registering yet: the gate does not answer', { unanswered });
      this.#unanswered = unanswered;
      await wait(clock, probeMilliseconds, signal);
      if (clock.monotonic() - start < patienceMilliseconds || !(await this.#isRegistered(signal))) continue;
      log.warn('the gate does not answer and is registered already; keeping its registration right', { unanswered });
      break;
    }
    this.#unanswered = undefined;
    await this.#registrar.start(signal);
  }

  #setQuotaWebhook(webhook: WebhookDefinition | undefined): void {
    this.#registry = new WebhookRegistry([...this.#options.registry, ...(webhook === undefined ? [] : [webhook])]);
    this.#registrar.setRegistry(this.#registry);
  }

  /**
   * Whether every webhook is: one that is not would be registered with nobody to answer for it. An API server that does not
   * answer is asked again after the next probe.
   */
  #isRegistered(signal: AbortSignal): Promise<boolean> {
    return this.#registrar.isRegistered(signal).catch(() => false);
  }

  /** Unhealthy before the first registration only, so that a rollout waits for it. */
  #health(): Health {
    if (this.#unanswered !== undefined) {
      return { kind: 'unhealthy', reason: `the gate does not answer: ${this.#unanswered}` };
    }
    const { registered, problem } = this.#registrar.state();
    if (!registered) return { kind: 'unhealthy', reason: problem ?? 'not registered yet' };
    return problem === undefined ? { kind: 'healthy' } : { kind: 'degraded', reason: problem };
  }
}
