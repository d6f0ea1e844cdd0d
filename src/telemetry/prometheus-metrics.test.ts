import { describe, expect, it } from 'vitest';
import { noMetrics } from './index.ts';
import { prometheusMetrics } from './prometheus-metrics.ts';

describe('prometheusMetrics()', () => {
  it('writes counters, gauges and histograms as text', async () => {
    const metrics = prometheusMetrics();
    metrics.counter({ name: 'answers_total', help: 'Answers.', labels: ['kind'] }).increment({ kind: 'yes' }, 2);
    metrics.gauge({ name: 'queue', help: 'Waiting.' }).set({}, 7);
    metrics.histogram({ name: 'latency_seconds', help: 'Time.' }, [0.1, 1]).observe({}, 0.5);
    const { text, contentType } = await metrics.read();
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([
      'answers_total{kind="yes"} 2',
      'queue 7',
      'latency_seconds_bucket{le="0.1"} 0',
      'latency_seconds_bucket{le="1"} 1',
      'latency_seconds_bucket{le="+Inf"} 1',
      'latency_seconds_sum 0.5',
      'latency_seconds_count 1',
    ]);
  });

  it('keeps a registry of its own', async () => {
    const [first, second] = [prometheusMetrics(), prometheusMetrics()];
    first.counter({ name: 'answers_total', help: 'Answers.' }).increment({});
    second.counter({ name: 'answers_total', help: 'Answers.' });
    expect((await first.read()).text).toContain('answers_total 1');
    expect((await second.read()).text).toContain('answers_total 0');
  });

  it('refuses a name that is taken', () => {
    const metrics = prometheusMetrics();
    metrics.counter({ name: 'answers_total', help: 'Answers.' });
    expect(() => metrics.gauge({ name: 'answers_total', help: 'Again.' })).toThrow(/answers_total/);
  });

  it('asks for values before each read', async () => {
    const metrics = prometheusMetrics();
    const gauge = metrics.gauge({ name: 'reads', help: 'Reads so far.' });
    let reads = 0;
    metrics.beforeRead(() => gauge.set({}, (reads += 1)));
    await metrics.read();
    expect((await metrics.read()).text).toContain('reads 2');
  });
});

it('noMetrics takes everything and keeps nothing', () => {
  noMetrics.counter({ name: 'a', help: '' }).increment({});
  noMetrics.gauge({ name: 'a', help: '' }).set({}, 1);
  noMetrics.histogram({ name: 'a', help: '' }, [1]).observe({}, 1);
  noMetrics.beforeRead(() => expect.unreachable());
});
