import { X509Certificate } from 'node:crypto';
import type { CertificateSource } from '../certs/index.ts';
import type { RegistrationState } from '../registrar/index.ts';
import type { Clock, Metrics } from '../telemetry/index.ts';

export interface GateFigures {
  readonly certificates: Pick<CertificateSource, 'caBundle'>;
  /** Undefined in a process that leaves registering to others. */
  readonly registration: (() => RegistrationState) | undefined;
  readonly clock: Clock;
}

/** How registration can stand; exactly one is 1. */
const statuses = ['pending', 'registered', 'failing', 'newer', 'unregistered'] as const;

/** The figures of a gate beside those of its server: registration, authority, configuration, process. */
export function gateMetrics(metrics: Metrics, { certificates, registration, clock }: GateFigures): void {
  processMetrics(metrics);
  metrics
    .gauge({
      name: 'sallyport_configuration_load_timestamp_seconds',
      help: 'When the GateConfiguration and the webhooks that are in use were loaded.',
    })
    .set({}, clock.now() / 1000);
  const authorityExpiry = metrics.gauge({
    name: 'sallyport_certificate_authority_expiry_timestamp_seconds',
    help: 'When the last authority in the CA bundle expires; 0 when the bundle is not ours to give.',
  });
  metrics.beforeRead(() => authorityExpiry.set({}, lastExpiry(certificates.caBundle()) / 1000));
  if (registration === undefined) return;

  const status = metrics.gauge({
    name: 'sallyport_registration_status',
    help: 'How the webhook configurations stand; the one that holds is 1.',
    labels: ['status'],
  });
  const rescued = metrics.gauge({
    name: 'sallyport_registration_rescued',
    help: '1 while a person has our webhooks ignored when they do not answer.',
  });
  const repairs = metrics.counter({
    name: 'sallyport_registration_repairs_total',
    help: 'How often somebody had changed or removed our webhook configurations, and they were mended.',
  });
  let seenRepairs = 0;
  metrics.beforeRead(() => {
    const state = registration();
    const present = statusOf(state);
    for (const each of statuses) status.set({ status: each }, each === present ? 1 : 0);
    rescued.set({}, state.rescuedSince === undefined ? 0 : 1);
    repairs.increment({}, state.repairs - seenRepairs);
    seenRepairs = state.repairs;
  });
}

function statusOf({ registered, problem, standing }: RegistrationState): (typeof statuses)[number] {
  if (problem !== undefined) return 'failing';
  if (!registered) return 'pending';
  return standing === 'own' ? 'registered' : standing;
}

/** Named as every Prometheus client names them, so that dashboards for processes work. */
export function processMetrics(metrics: Metrics): void {
  const memory = metrics.gauge({
    name: 'process_resident_memory_bytes',
    help: 'Memory that the process holds.',
  });
  const cpu = metrics.counter({
    name: 'process_cpu_seconds_total',
    help: 'Processor time that the process has used.',
  });
  const start = metrics.gauge({
    name: 'process_start_time_seconds',
    help: 'When the process was started.',
  });
  start.set({}, performance.timeOrigin / 1000);
  let seenCpu = 0;
  metrics.beforeRead(() => {
    memory.set({}, process.memoryUsage.rss());
    const { user, system } = process.cpuUsage();
    const seconds = (user + system) / 1_000_000;
    cpu.increment({}, seconds - seenCpu);
    seenCpu = seconds;
  });
}

/** Milliseconds since the epoch. */
function lastExpiry(bundlePem: string | undefined): number {
  const blocks = bundlePem?.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return Math.max(0, ...blocks.map((block) => new X509Certificate(block).validToDate.getTime()));
}
