import { WebhookRegistry, type WebhookDefinition } from '../admission/index.ts';
import { CertificateReadiness, type CertificateSource, type Health } from '../certs/index.ts';
import { KubeClient, type ClusterConfig } from '../kube/index.ts';
import type { Registrar } from '../registrar/index.ts';
import {
  AdmissionServer,
  metricsRoute,
  serverMetrics,
  type ClientCertificateOptions,
  type ListenAddress,
} from '../server/index.ts';
import type { AuditSink, Clock, Logger, Tracer } from '../telemetry/index.ts';
import type { PrometheusMetrics } from '../telemetry/prometheus-metrics.ts';
import { openClientAuthorities } from './client-authorities.ts';
import type { GateConfiguration } from './gate-configuration.ts';
import type { GateGuard, GuardPlan } from './gate-guard.ts';
import { gateMetrics } from './gate-metrics.ts';
import type { GateQuota } from './gate-quota.ts';
import { InformerListers } from './informer-listers.ts';
import { IsolatedWebhooks } from './isolated-webhooks.ts';
import { registrationOptions } from './registration-options.ts';
import { registrationParts } from './registration-parts.ts';
import type { RereadFiles } from './reread-files.ts';
import { stopInTurn, stopTogether } from './stop-all.ts';

export interface GateOptions {
  readonly configuration: GateConfiguration;
  readonly registry: WebhookRegistry;
  readonly cluster: ClusterConfig;
  /** Whether to write the webhook configurations, or leave them to somebody else. */
  readonly registers: boolean;
  readonly metrics: PrometheusMetrics;
  readonly log: Logger;
  /** Gets a line for each request. Closed by who made it, after {@link Gate.stop}. */
  readonly decisions: AuditSink | undefined;
  readonly tracer: Tracer | undefined;
  readonly clock: Clock;
}

/** What only some gates have. */
interface Features {
  readonly guard: { readonly GateGuard: typeof GateGuard; readonly plan: GuardPlan } | undefined;
  readonly quota: { readonly GateQuota: typeof GateQuota } | undefined;
}

/**
 * The gate in production: certificates, server, caches for what handlers look up, and registration, started in the order
 * in which each needs the one before, and stopped the other way round.
 */
export class Gate {
  readonly #options: GateOptions;
  readonly #client: KubeClient;
  readonly #guard: GateGuard | undefined;
  /** The webhooks of users' files, and those of the guard. */
  readonly #registry: WebhookRegistry;
  readonly #registrar: Registrar;
  readonly #certificates: CertificateSource;
  readonly #readiness: CertificateReadiness;
  readonly #listers: InformerListers;
  readonly #isolated: IsolatedWebhooks;
  readonly #quota: GateQuota | undefined;
  /** The webhook of quotas, of which the last one is served on when no quota is left: it may still be called. */
  #quotaWebhook: WebhookDefinition | undefined;
  #startRegistering: () => void = () => undefined;
  #clientAuthorities: RereadFiles<string> | undefined;
  #server: AdmissionServer | undefined;
  #endSubscription: () => void = () => undefined;

  /**
   * Loads what the configuration asks for, and starts nothing yet: guard and quota are half of the code of a gate, and a gate
   * without them starts without them.
   *
   * Throws {@link InvalidConfigurationError}, {@link InvalidRegistrationError} and {@link UnsafeRegistrationError}, and for guards
   * what {@link GateGuard} and `planGuard` throw.
   */
  static async create(options: GateOptions): Promise<Gate> {
    const { configuration, cluster } = options;
    const guard = configuration.guard && (await import('./gate-guard.ts'));
    const plan = await guard?.planGuard(configuration, cluster);
    const quota = configuration.quota && (await import('./gate-quota.ts'));
    return new Gate(options, { guard: guard && plan && { GateGuard: guard.GateGuard, plan }, quota });
  }

  private constructor(options: GateOptions, { guard, quota }: Features) {
    const { configuration, registers, cluster, metrics, log, clock } = options;
    this.#options = options;
    this.#client = new KubeClient(cluster);
    const registration = registrationOptions(configuration);
    const namespace = registration.ownNamespace ?? cluster.namespace;
    this.#guard = guard && new guard.GateGuard({ ...options, plan: guard.plan, client: this.#client, namespace });
    this.#registry = new WebhookRegistry([...options.registry, ...(this.#guard?.webhooks() ?? [])]);
    const registry = this.#registry;
    const { registrar, certificates } = registrationParts({
      configuration,
      client: this.#client,
      namespace,
      registry,
      // Who may not register may not write the Secret either.
      role: registers ? 'keeper' : 'follower',
      log,
      clock,
    });
    this.#registrar = registrar;
    this.#certificates = certificates;
    this.#readiness = new CertificateReadiness({ source: certificates, publication: registrar, logger: log, clock });
    this.#listers = new InformerListers({ client: this.#client, registry, log, clock });
    const { paths, enable, disable } = configuration.webhooks;
    this.#isolated = new IsolatedWebhooks({ registry, sources: { paths, selection: { enable, disable } }, log, clock });
    gateMetrics(metrics, {
      certificates: this.#certificates,
      registration: registers ? () => this.#registrar.state() : undefined,
      clock,
    });
    if (quota !== undefined && configuration.quota !== undefined) {
      this.#quota = new quota.GateQuota({
        configuration: configuration.quota,
        client: this.#client,
        excludedNamespaces: registration.excludedNamespaces,
        onWebhook: (webhook) => this.#setQuotaWebhook(webhook),
        metrics,
        log,
        clock,
      });
    }
  }

  /**
   * Resolves when webhooks are served. Registration goes on from there: an API server that is away delays it, and the
   * process stays. A failure that only a person can heal rejects.
   */
  async start(signal?: AbortSignal): Promise<ListenAddress> {
    const { configuration, registers, metrics, log, decisions, tracer, clock } = this.#options;
    const { host, port, healthPort } = configuration.server;
    const clientCertificates = await this.#openClientCertificates();
    this.#listers.start();
    this.#guard?.start();
    await Promise.all([this.#certificates.start(signal), this.#isolated.start()]);
    this.#server = new AdmissionServer({
      registry: this.#withQuota(this.#quotaWebhook),
      certificates: this.#certificates,
      host,
      port,
      ...(clientCertificates !== undefined && { clientCertificates }),
      operations: { host, port: healthPort },
      routes: [metricsRoute(() => metrics.read())],
      readiness: [
        { name: 'certificates', healthy: () => this.#readiness.healthy() },
        { name: 'caches', healthy: () => this.#cachesHealth() },
        ...this.#guardReadiness(),
        ...(registers ? [{ name: 'registration', healthy: () => this.#registrationHealth() }] : []),
        ...this.#quotaReadiness(),
      ],
      listers: this.#listers.source,
      answer: this.#isolated.answer,
      logger: log,
      requestLog: configuration.log.requests,
      ...(decisions !== undefined && { decisions }),
      ...(tracer !== undefined && { tracer }),
      observer: serverMetrics(metrics),
      clock,
    });
    const address = await this.#server.start();
    this.#readiness.start();
    this.#endSubscription = this.#certificates.subscribe(() => this.#registrar.refresh());
    if (registers) {
      this.#startRegistering = () => {
        this.#startRegistering = () => undefined;
        // It ends by our own stopping only, and tells of every failure before itself.
        this.#registrar.start(signal).catch(() => undefined);
      };
      // Without knowing the quotas it would take away the rules for them that a former process registered.
      if (this.#quota === undefined) this.#startRegistering();
    } else this.#registrar.observe();
    this.#quota?.start();
    return address;
  }

  /** Where probes and metrics are served; known after {@link start}. */
  get operationsAddress(): ListenAddress | undefined {
    return this.#server?.operationsAddress;
  }

  /**
   * Drains at once, since everybody who sends requests hears of it late; registration ends meanwhile, so that an old replica does
   * not answer what a new one writes. Every part is stopped; rejects afterwards when one of them could not be.
   */
  async stop(hurry?: AbortSignal): Promise<void> {
    this.#endSubscription();
    await stopInTurn(
      () =>
        stopTogether(
          () => this.#server?.stop(hurry),
          () => this.#registrar.stop(),
        ),
      () => this.#isolated.stop(),
      () => this.#guard?.stop(),
      () => this.#quota?.stop(),
      () => this.#readiness.stop(),
      () => this.#certificates.stop(),
      () => this.#listers.stop(),
      () => this.#clientAuthorities?.close(),
      () => this.#client.close(),
    );
  }

  /**
   * Never unhealthy: what keeps one replica from registering keeps all of them, and the webhooks that are registered
   * already still need somebody who serves them.
   */
  #registrationHealth(): Health {
    const { problem } = this.#registrar.state();
    return problem === undefined ? { kind: 'healthy' } : { kind: 'degraded', reason: problem };
  }

  async #openClientCertificates(): Promise<ClientCertificateOptions | undefined> {
    const { configuration, log, clock } = this.#options;
    if (configuration.clientCertificates === undefined) return undefined;
    const { caFile: file, allowedNames } = configuration.clientCertificates;
    const setting = 'clientCertificates.caFile';
    this.#clientAuthorities = await openClientAuthorities({ file, setting, server: () => this.#server, clock, log });
    return { ca: this.#clientAuthorities.current, ...(allowedNames !== undefined && { allowedNames }) };
  }

  #guardReadiness(): { readonly name: string; readonly healthy: () => Health }[] {
    const guard = this.#guard;
    return guard === undefined ? [] : [{ name: 'guard', healthy: () => guard.health() }];
  }

  /** Served first and registered second. */
  #setQuotaWebhook(webhook: WebhookDefinition | undefined): void {
    this.#quotaWebhook = webhook ?? this.#quotaWebhook;
    this.#server?.setRegistry(this.#withQuota(this.#quotaWebhook));
    this.#registrar.setRegistry(this.#withQuota(webhook));
    this.#startRegistering();
  }

  #withQuota(webhook: WebhookDefinition | undefined): WebhookRegistry {
    return new WebhookRegistry([...this.#registry, ...(webhook === undefined ? [] : [webhook])]);
  }

  #quotaReadiness(): { readonly name: string; readonly healthy: () => Health }[] {
    const quota = this.#quota;
    return quota === undefined ? [] : [{ name: 'quota', healthy: () => quota.health() }];
  }

  #cachesHealth(): Health {
    const unsynced = this.#listers.unsynced();
    if (unsynced.length === 0) return { kind: 'healthy' };
    return { kind: 'unhealthy', reason: `not read yet: ${unsynced.join(', ')}` };
  }
}
