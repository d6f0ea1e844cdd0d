import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { MetricDefinition, Metrics } from './metrics.ts';

/** Figures in the text format that Prometheus reads. */
export interface PrometheusText {
  readonly contentType: string;
  readonly text: string;
}

/** {@link Metrics} kept for Prometheus, in a registry of its own: two servers in one process do not mix. */
export interface PrometheusMetrics extends Metrics {
  /** All figures as they are now. */
  read(): Promise<PrometheusText>;
}

/** Throws prom-client's own error for a name that is taken or not a metric name. */
export function prometheusMetrics(): PrometheusMetrics {
  const registry = new Registry();
  const updates: (() => void)[] = [];
  const configure = <L extends string>({ name, help, labels = [] }: MetricDefinition<L>) => ({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
  });
  return {
    counter(definition) {
      const counter = new Counter(configure(definition));
      return { increment: (labels, by = 1) => counter.inc(labels, by) };
    },
    histogram(definition, buckets) {
      const histogram = new Histogram({ ...configure(definition), buckets: [...buckets] });
      return { observe: (labels, value) => histogram.observe(labels, value) };
    },
    gauge(definition) {
      const gauge = new Gauge(configure(definition));
      return { set: (labels, value) => gauge.set(labels, value) };
    },
    beforeRead: (update) => void updates.push(update),
    async read() {
      for (const update of updates) update();
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}
