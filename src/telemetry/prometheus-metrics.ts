import { Counter, Gauge, Registry, type Histogram } from 'prom-client';
import type { HistogramSeries, LabelValues, MetricDefinition, Metrics } from './metrics.ts';

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
  const updates: (() => void | Promise<void>)[] = [];
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
      const histogram = new SeriesHistogram(definition, buckets);
      // prom-client's registry asks a metric for its name and for get(), and writes what that gives.
      registry.registerMetric(histogram as unknown as Histogram);
      return {
        observe: (labels, value) => histogram.series(labels).observe(value),
        series: (labels) => histogram.series(labels),
      };
    },
    gauge(definition) {
      const gauge = new Gauge(configure(definition));
      return { set: (labels, value) => gauge.set(labels, value), clear: () => gauge.reset() };
    },
    beforeRead: (update) => void updates.push(update),
    async read() {
      for (const update of updates) await update();
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}

/** What prom-client's registry writes for one line. */
interface SeriesValue {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/**
 * A histogram for the hot path: prom-client's own looks its labels up for every value, which costs more than all the rest of
 * the bookkeeping for a request.
 */
class SeriesHistogram<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  readonly #labelNames: readonly L[];
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, { readonly labels: LabelValues<L>; readonly series: BucketSeries }>();

  constructor({ name, help, labels = [] }: MetricDefinition<L>, bounds: readonly number[]) {
    this.name = name;
    this.help = help;
    this.#labelNames = labels;
    this.#bounds = bounds;
    // As prom-client has it: a metric without labels is there from the beginning.
    if (labels.length === 0) this.series({} as LabelValues<L>);
  }

  series(labels: LabelValues<L>): BucketSeries {
    const key = JSON.stringify(this.#labelNames.map((name) => labels[name]));
    let known = this.#series.get(key);
    if (known === undefined) this.#series.set(key, (known = { labels, series: new BucketSeries(this.#bounds) }));
    return known.series;
  }

  async get(): Promise<{ name: string; help: string; type: string; aggregator: string; values: SeriesValue[] }> {
    const { name, help, type, aggregator } = this;
    const values = [...this.#series.values()].flatMap(({ labels, series }) => {
      let cumulated = 0;
      const buckets = [...this.#bounds, '+Inf'].map((bound, index): SeriesValue => {
        cumulated += series.counts[index] ?? 0;
        return { metricName: `${name}_bucket`, labels: { le: bound, ...labels }, value: cumulated };
      });
      return [
        ...buckets,
        { metricName: `${name}_sum`, labels, value: series.sum },
        { metricName: `${name}_count`, labels, value: series.count },
      ];
    });
    return { name, help, type, aggregator, values };
  }
}

class BucketSeries implements HistogramSeries {
  readonly #bounds: readonly number[];
  /** One for each bound, and one for what lies beyond the last. */
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let index = 0;
    while (index < bounds.length && value > (bounds[index] ?? Infinity)) index += 1;
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.sum += value;
    this.count += 1;
  }
}
