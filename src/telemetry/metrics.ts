/**
 * Figures about a running process. Each part of the code makes its own instruments, beside what they measure.
 *
 * Names are Prometheus' own: `snake_case`, base units (seconds, bytes), counters ending in `_total`. Values of labels come
 * from small sets: never a namespace, a user, or the name of an object other than a GlobalQuota.
 */
export interface Metrics {
  counter<L extends string = never>(definition: MetricDefinition<L>): Counter<L>;
  /** `buckets` are upper bounds, rising. */
  histogram<L extends string = never>(definition: MetricDefinition<L>, buckets: readonly number[]): Histogram<L>;
  gauge<L extends string = never>(definition: MetricDefinition<L>): Gauge<L>;
  /** Runs `update` before figures are read, and waits for it; for gauges whose value lies elsewhere. It must not fail. */
  beforeRead(update: () => void | Promise<void>): void;
}

export interface MetricDefinition<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly L[];
}

/** One value for each label of the definition. */
export type LabelValues<L extends string> = Readonly<Record<L, string>>;

export interface Counter<L extends string> {
  increment(labels: LabelValues<L>, by?: number): void;
}

export interface Histogram<L extends string> {
  observe(labels: LabelValues<L>, value: number): void;
  /** What is observed with these labels, for who does so for each request and keeps it. */
  series(labels: LabelValues<L>): HistogramSeries;
}

export interface HistogramSeries {
  observe(value: number): void;
  /** How many values were observed. */
  readonly count: number;
}

export interface Gauge<L extends string> {
  set(labels: LabelValues<L>, value: number): void;
  /** Forgets all that was set. */
  clear(): void;
}

/**
 * Upper bounds in seconds for how long a webhook takes, 1 ms to 30 s: a validating handler takes a millisecond or two,
 * and the API server waits 30 s at most (`timeoutSeconds`), in coarser steps the nearer it comes.
 */
export const latencyBuckets: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

/** Counts nothing. */
export const noMetrics: Metrics = {
  counter: () => ({ increment: () => undefined }),
  histogram: () => ({ observe: () => undefined, series: () => ({ observe: () => undefined, count: 0 }) }),
  gauge: () => ({ set: () => undefined, clear: () => undefined }),
  beforeRead: () => undefined,
};
