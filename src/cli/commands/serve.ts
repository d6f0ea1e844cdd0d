import { flushCompileCache } from 'node:module';
import { Gate } from '../../app/gate.ts';
import { readGateConfiguration } from '../../app/gate-configuration.ts';
import { openServiceLogs } from '../../app/service-logs.ts';
import { endOnException, logStrayRejections } from '../../app/stray-rejections.ts';
import { loadRegistry } from '../../sources/load-registry.ts';
import { loadClusterConfig } from '../../kube/index.ts';
import { checkMatchConditions, UnsafeRegistrationError } from '../../registrar/index.ts';
import { systemClock } from '../../telemetry/index.ts';
import { openTelemetryTracer } from '../../telemetry/opentelemetry-tracer.ts';
import { prometheusMetrics } from '../../telemetry/prometheus-metrics.ts';
import { exitCode, type ExitCode } from '../exit-code.ts';
import type { ServeOptions } from '../program.ts';
import { untilInterrupted } from '../until-interrupted.ts';

/** Serves until SIGTERM or SIGINT, then drains. */
export async function serve({ config, register }: ServeOptions): Promise<ExitCode> {
  const configuration = await readGateConfiguration(config);
  const metrics = prometheusMetrics();
  const logs = await openServiceLogs(configuration, metrics, systemClock);
  try {
    const { log, decisions } = logs;
    logStrayRejections(log, { quotes: 'nothing' });
    endOnException(log);
    const registry = await loadRegistry(configuration.webhooks);
    await checkMatchConditions(registry);
    const cluster = await loadClusterConfig({ environment: process.env });
    const gate = await Gate.create({
      configuration,
      registry,
      cluster,
      registers: register,
      metrics,
      log,
      decisions,
      tracer: await openTelemetryTracer(),
      clock: systemClock,
    });
    try {
      await untilInterrupted(async (signal) => {
        await gate.start(signal);
        // Otherwise written at the end, which a process that is killed does not see.
        flushCompileCache();
      });
    } finally {
      await gate.stop();
    }
    return exitCode.done;
  } catch (error) {
    if (!(error instanceof UnsafeRegistrationError)) throw error;
    process.stderr.write(`${error.message}\nSet registration.force to register them all the same.\n`);
    return exitCode.refused;
  } finally {
    await logs.close();
  }
}
