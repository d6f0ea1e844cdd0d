import { describe, expect, it } from 'vitest';
import { prometheusMetrics } from '../telemetry/prometheus-metrics.ts';
import { serverMetrics, type FinishedRequest, type RequestOutcome } from './index.ts';

const request: FinishedRequest = {
  webhook: 'a.example.com',
  operation: 'CREATE',
  resource: 'pods',
  dryRun: false,
  outcome: 'allowed',
  durationMilliseconds: 3,
};

function setUp() {
  const metrics = prometheusMetrics();
  const observer = serverMetrics(metrics);
  /** The samples of one metric as `labels value`. */
  const samples = async (name: string): Promise<string[]> => {
    const { text } = await metrics.read();
    return text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  };
  return { observer, samples };
}

describe('serverMetrics()', () => {
  it.each(['allowed', 'patched', 'denied', 'fault', 'shed', 'abandoned'] satisfies RequestOutcome[])(
    'counts a request that ended as %s',
    async (outcome) => {
      const { observer, samples } = setUp();
      observer.requestFinished({ ...request, outcome, dryRun: true });
      observer.requestFinished({ ...request, outcome, dryRun: true });
      expect(await samples('sallyport_admission_requests_total')).toEqual([
        `sallyport_admission_requests_total{webhook="a.example.com",operation="CREATE",resource="pods",dry_run="true",outcome="${outcome}"} 2`,
      ]);
    },
  );

  it('counts one that was never understood, without operation and resource', async () => {
    const { observer, samples } = setUp();
    observer.requestFinished({ ...request, operation: undefined, resource: undefined, outcome: 'fault' });
    expect(await samples('sallyport_admission_requests_total')).toEqual([
      'sallyport_admission_requests_total{webhook="a.example.com",operation="",resource="",dry_run="false",outcome="fault"} 1',
    ]);
  });

  it('measures in seconds, from 1 ms to 30 s', async () => {
    const { observer, samples } = setUp();
    for (const durationMilliseconds of [0.4, 3, 29_000, 31_000])
      observer.requestFinished({ ...request, durationMilliseconds });
    const buckets = await samples('sallyport_admission_request_duration_seconds_bucket');
    const counts = new Map(
      buckets.map((line) => [/le="([^"]+)"/.exec(line)?.[1], Number(line.slice(line.lastIndexOf(' ')))]),
    );
    expect([...counts.keys()][0]).toBe('0.001');
    expect(counts.get('0.001')).toBe(1);
    expect(counts.get('0.005')).toBe(2);
    expect(counts.get('10')).toBe(2);
    expect(counts.get('30')).toBe(3);
    expect(counts.get('+Inf')).toBe(4);
    const [sum] = await samples('sallyport_admission_request_duration_seconds_sum');
    expect(Number(sum?.split(' ')[1])).toBeCloseTo(60.0034, 6);
  });

  it('counts refusals by status, blocks in seconds, and certificates', async () => {
    const { observer, samples } = setUp();
    observer.requestRefused(404);
    observer.requestRefused(404);
    observer.requestRefused(415);
    expect(await samples('sallyport_refused_requests_total')).toEqual([
      'sallyport_refused_requests_total{code="404"} 2',
      'sallyport_refused_requests_total{code="415"} 1',
    ]);
    observer.handlerBlocked('a.example.com', 250);
    observer.handlerBlocked('a.example.com', 500);
    expect(await samples('sallyport_handler_blocking_seconds_total')).toEqual([
      'sallyport_handler_blocking_seconds_total{webhook="a.example.com"} 0.75',
    ]);
    observer.certificateLoaded(new Date('2027-01-01T00:00:00Z'));
    observer.certificateLoaded(new Date('2027-02-01T00:00:00Z'));
    observer.certificateLoaded(new Date('2027-02-01T00:00:00Z'));
    expect(await samples('sallyport_certificate_rotations_total')).toEqual(['sallyport_certificate_rotations_total 2']);
    expect(await samples('sallyport_certificate_expiry_timestamp_seconds')).toEqual([
      `sallyport_certificate_expiry_timestamp_seconds ${Date.UTC(2027, 1, 1) / 1000}`,
    ]);
  });

  it('shows what is at hand when it is read', async () => {
    const { observer, samples } = setUp();
    let requestsInWork = 1;
    observer.started(() => ({
      requestsInWork,
      requestsQueued: 2,
      bufferedBytes: 3,
      connections: 4,
      handshakes: 5,
      eventLoop: { expectedMilliseconds: 6, maxMilliseconds: 70 },
    }));
    requestsInWork = 10;
    expect(await samples('sallyport_admission_requests_in_work')).toEqual(['sallyport_admission_requests_in_work 10']);
    expect(await samples('sallyport_admission_requests_queued')).toEqual(['sallyport_admission_requests_queued 2']);
    expect(await samples('sallyport_admission_buffered_bytes')).toEqual(['sallyport_admission_buffered_bytes 3']);
    expect(await samples('sallyport_connections')).toEqual(['sallyport_connections 4']);
    expect(await samples('sallyport_tls_handshakes')).toEqual(['sallyport_tls_handshakes 5']);
    expect(await samples('sallyport_event_loop_delay_seconds')).toEqual([
      'sallyport_event_loop_delay_seconds{statistic="expected"} 0.006',
      'sallyport_event_loop_delay_seconds{statistic="max"} 0.07',
    ]);
  });

  it('does not grow without end with the names that callers make up', async () => {
    const { observer, samples } = setUp();
    for (let index = 0; index < 2000; index += 1)
      observer.requestFinished({ ...request, resource: `made-up-${index}` });
    const lines = await samples('sallyport_admission_requests_total');
    expect(lines).toHaveLength(501);
    expect(lines.at(-1)).toContain('resource="other",dry_run="false",outcome="allowed"} 1500');
  });
});
