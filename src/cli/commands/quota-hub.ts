import { QuotaHub } from '../../app/quota-hub.ts';
import { readQuotaHubConfiguration } from '../../app/quota-hub-configuration.ts';
import { openServiceLogs } from '../../app/service-logs.ts';
import { endOnException, logStrayRejections } from '../../app/stray-rejections.ts';
import { systemClock } from '../../telemetry/index.ts';
import { prometheusMetrics } from '../../telemetry/prometheus-metrics.ts';
import { exitCode, type ExitCode } from '../exit-code.ts';
import type { QuotaHubCommandOptions } from '../quota-program.ts';
import { untilInterrupted } from '../until-interrupted.ts';

/** Serves until SIGTERM or SIGINT. */
export async function quotaHub({ config }: QuotaHubCommandOptions): Promise<ExitCode> {
  const configuration = await readQuotaHubConfiguration(config);
  const metrics = prometheusMetrics();
  const logs = await openServiceLogs(
    { log: { ...configuration.log, requests: 'Off' }, decisionLog: undefined },
    metrics,
    systemClock,
  );
  logStrayRejections(logs.log, { quotes: 'nothing' });
  endOnException(logs.log);
  const hub = new QuotaHub({ configuration, metrics, log: logs.log, clock: systemClock });
  try {
    await untilInterrupted(async (signal) => void (await hub.start(signal)));
  } finally {
    await hub.stop();
    await logs.close();
  }
  return exitCode.done;
}
