import { latencyBuckets, type HistogramSeries, type LabelValues, type Metrics } from '../telemetry/index.ts';
import type { RequestOutcome, ServerObserver } from './observer.ts';

/**
 * Different resources that are told apart; what comes after them counts as `other`. The name is the caller's word, and somebody
 * who reaches the port must not fill the memory with it. A cluster with many operators has some two hundred.
 */
const maxResources = 500;

const requestLabels = ['webhook', 'operation', 'resource', 'dry_run', 'outcome'] as const;
type RequestLabels = LabelValues<(typeof requestLabels)[number]>;

/** The figures of a server. Durations in seconds, sizes in bytes. */
export function serverMetrics(metrics: Metrics): ServerObserver {
  const requests = metrics.counter({
    name: 'sallyport_admission_requests_total',
    help: 'Requests by how they ended: allowed, patched, denied, fault, shed, abandoned.',
    labels: requestLabels,
  });
  const durations = metrics.histogram(
    {
      name: 'sallyport_admission_request_duration_seconds',
      help: 'Time from the header of a request to its answer.',
      labels: requestLabels,
    },
    latencyBuckets,
  );
  const refused = metrics.counter({
    name: 'sallyport_refused_requests_total',
    help: 'Requests that were refused before their body was read, by HTTP status.',
    labels: ['code'],
  });
  const blocked = metrics.counter({
    name: 'sallyport_handler_blocking_seconds_total',
    help: 'Time for which handlers kept the event loop to themselves, of those that did so for too long.',
    labels: ['webhook'],
  });
  const certificateExpiry = metrics.gauge({
    name: 'sallyport_certificate_expiry_timestamp_seconds',
    help: 'When the certificate that new handshakes use expires.',
  });
  const certificateRotations = metrics.counter({
    name: 'sallyport_certificate_rotations_total',
    help: 'How often new handshakes were given another certificate.',
  });
  let hasCertificate = false;
  const resources = new Set<string>();
  const known = (resource: string): string => {
    if (resource === '' || resources.has(resource)) return resource;
    if (resources.size >= maxResources) return 'other';
    resources.add(resource);
    return resource;
  };
  /** Each with how many of its requests the counter has. */
  const all: { readonly labels: RequestLabels; readonly durations: HistogramSeries; counted: number }[] = [];
  metrics.beforeRead(() => {
    for (const one of all) {
      if (one.durations.count > one.counted) requests.increment(one.labels, one.durations.count - one.counted);
      one.counted = one.durations.count;
    }
  });
  /** By webhook, operation, resource, dry run and outcome: maps in maps, since a key of all five would be made for each request. */
  const series: Nested<Nested<Nested<Nested<Map<RequestOutcome, HistogramSeries>>>>> = new Map();
  const seriesOf = (
    webhook: string,
    operation: string,
    resource: string,
    dryRun: boolean,
    outcome: RequestOutcome,
  ): HistogramSeries => {
    const byOutcome = inside(inside(inside(inside(series, webhook), operation), resource), dryRun);
    let durationsOfOne = byOutcome.get(outcome);
    if (durationsOfOne === undefined) {
      const labels = { webhook, operation, resource, dry_run: dryRun ? 'true' : 'false', outcome };
      byOutcome.set(outcome, (durationsOfOne = durations.series(labels)));
      all.push({ labels, durations: durationsOfOne, counted: 0 });
    }
    return durationsOfOne;
  };

  return {
    started(load) {
      const gauge = (name: string, help: string) => metrics.gauge({ name, help });
      const inWork = gauge('sallyport_admission_requests_in_work', 'Requests at work.');
      const queued = gauge('sallyport_admission_requests_queued', 'Requests that wait for their turn.');
      const buffered = gauge('sallyport_admission_buffered_bytes', 'Bodies of requests in memory.');
      const connections = gauge('sallyport_connections', 'Open connections.');
      const handshakes = gauge('sallyport_tls_handshakes', 'TLS handshakes that have begun and not ended.');
      const delay = metrics.gauge({
        name: 'sallyport_event_loop_delay_seconds',
        help: 'In the last second: expected, what an arrival had to wait on average; max, the longest block.',
        labels: ['statistic'],
      });
      metrics.beforeRead(() => {
        const now = load();
        inWork.set({}, now.requestsInWork);
        queued.set({}, now.requestsQueued);
        buffered.set({}, now.bufferedBytes);
        connections.set({}, now.connections);
        handshakes.set({}, now.handshakes);
        delay.set({ statistic: 'expected' }, now.eventLoop.expectedMilliseconds / 1000);
        delay.set({ statistic: 'max' }, now.eventLoop.maxMilliseconds / 1000);
      });
    },
    requestFinished({ webhook, operation = '', resource = '', dryRun, outcome, durationMilliseconds }) {
      seriesOf(webhook, operation, known(resource), dryRun, outcome).observe(durationMilliseconds / 1000);
    },
    requestRefused: (httpStatus) => refused.increment({ code: String(httpStatus) }),
    handlerBlocked: (webhook, milliseconds) => blocked.increment({ webhook }, milliseconds / 1000),
    certificateLoaded(notAfter) {
      if (hasCertificate) certificateRotations.increment({});
      hasCertificate = true;
      certificateExpiry.set({}, notAfter.getTime() / 1000);
    },
  };
}

type Nested<T> = Map<string | boolean, T>;

function inside<K, V>(maps: Nested<Map<K, V>>, key: string | boolean): Map<K, V> {
  let map = maps.get(key);
  if (map === undefined) maps.set(key, (map = new Map<K, V>()));
  return map;
}
