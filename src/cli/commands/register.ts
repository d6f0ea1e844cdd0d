import { readFile } from 'node:fs/promises';
import { WebhookRegistry } from '../../admission/index.ts';
import type { CertificateSource } from '../../certs/index.ts';
import { withGuardWebhooks } from '../../app/gate-guard.ts';
import { readGateConfiguration, type GateConfiguration } from '../../app/gate-configuration.ts';
import { RegistrationService } from '../../app/registration-service.ts';
import { openServiceLogs } from '../../app/service-logs.ts';
import { readQuotaWebhook } from '../../app/quota-registration.ts';
import { registrationOptions } from '../../app/registration-options.ts';
import { registrationParts } from '../../app/registration-parts.ts';
import { KubeClient, loadClusterConfig } from '../../kube/index.ts';
import { checkMatchConditions, RegistrationTimeoutError, UnsafeRegistrationError } from '../../registrar/index.ts';
import { loadRegistry } from '../../sources/load-registry.ts';
import { systemClock } from '../../telemetry/index.ts';
import { prometheusMetrics } from '../../telemetry/prometheus-metrics.ts';
import { exitCode, type ExitCode } from '../exit-code.ts';
import { terminalLogger } from '../terminal-logger.ts';
import type { RegisterOptions } from '../program.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { UsageError } from '../usage-error.ts';

/**
 * Writes the configurations once and ends, within `timeout` seconds; or, with `watch`, keeps them right until SIGTERM or
 * SIGINT, for gates that only serve.
 */
export async function register(options: RegisterOptions): Promise<ExitCode> {
  try {
    return await (options.watch === true ? keepRegistered(options) : registerOnce(options));
  } catch (error) {
    if (!(error instanceof UnsafeRegistrationError)) throw error;
    process.stderr.write(`${error.message}\nGive --force to register them all the same.\n`);
    return exitCode.refused;
  }
}

async function keepRegistered({ config, caBundle, force = false }: RegisterOptions): Promise<ExitCode> {
  if (caBundle !== undefined)
    throw new UsageError('--ca-bundle is read once, and --watch follows what rotates; give one');
  const configuration = await readGateConfiguration(config);
  const metrics = prometheusMetrics();
  // Nobody asks this process for a decision.
  const { decisionLog: _decisionLog, ...rest } = configuration;
  const logs = await openServiceLogs(rest, metrics, systemClock);
  try {
    const files = await loadFiles(configuration);
    const cluster = await loadClusterConfig({ environment: process.env });
    const registry = await withGuardWebhooks(files, configuration, cluster);
    const { log } = logs;
    const service = new RegistrationService({
      configuration,
      registry,
      cluster,
      force,
      metrics,
      log,
      clock: systemClock,
    });
    try {
      await untilInterrupted(async (signal) => void (await service.start(signal)));
    } finally {
      await service.stop();
    }
    return exitCode.done;
  } finally {
    await logs.close();
  }
}

/** What is wrong in a file is told before a cluster is looked for. */
async function loadFiles({ webhooks }: GateConfiguration): Promise<WebhookRegistry> {
  const registry = await loadRegistry(webhooks);
  await checkMatchConditions(registry);
  return registry;
}

async function registerOnce({ config, caBundle, force, timeout }: RegisterOptions): Promise<ExitCode> {
  const configuration = await readGateConfiguration(config);
  const own = await loadFiles(configuration);
  const clusterConfig = await loadClusterConfig({ environment: process.env });
  const files = await withGuardWebhooks(own, configuration, clusterConfig);
  const log = terminalLogger(configuration.log.level);
  const client = new KubeClient(clusterConfig);
  const given = caBundle === undefined ? undefined : await readFile(caBundle, 'utf8');
  const options = registrationOptions(configuration);
  const namespace = options.ownNamespace ?? clusterConfig.namespace;
  const deadline = AbortSignal.timeout(timeout * 1000);
  try {
    const { quota } = configuration;
    const webhook = quota === undefined ? undefined : await readQuotaWebhook(quota, client, log, deadline);
    const registry = webhook === undefined ? files : new WebhookRegistry([...files, webhook]);
    const { registrar, certificates } = registrationParts({
      configuration,
      client,
      namespace,
      registry,
      role: 'keeper',
      force: force === true,
      caBundle: given,
      log,
      clock: systemClock,
    });
    try {
      if (given === undefined) await startInTime(certificates, deadline, timeout);
      await registrar.registerOnce(deadline);
    } finally {
      await registrar.stop();
      await certificates.stop();
    }
    process.stdout.write(`registered as ${options.name}\n`);
    return exitCode.done;
  } finally {
    client.close();
  }
}

async function startInTime(source: CertificateSource, deadline: AbortSignal, timeoutSeconds: number): Promise<void> {
  try {
    await source.start(deadline);
  } catch (cause) {
    if (!deadline.aborted) throw cause;
    const health = source.healthy();
    const problem = health.kind === 'healthy' ? 'no certificate yet' : health.reason;
    throw new RegistrationTimeoutError(`no certificate after ${timeoutSeconds} s: ${problem}`, { cause });
  }
}
