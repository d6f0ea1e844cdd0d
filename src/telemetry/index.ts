// The adapters stay out of here, so that only who uses one loads its package: `pino-logger.ts`,
// `prometheus-metrics.ts`, `opentelemetry-tracer.ts`.
export type { AuditSink } from './audit-sink.ts';
export { silentLogger, type LogFacts, type Logger } from './logger.ts';
export { LineWriter, type LineTarget, type LineWriterOptions } from './line-writer.ts';
export { systemClock, type Clock } from './clock.ts';
export {
  latencyBuckets,
  noMetrics,
  type Counter,
  type Gauge,
  type Histogram,
  type HistogramSeries,
  type LabelValues,
  type MetricDefinition,
  type Metrics,
} from './metrics.ts';
export { RotatingFile, type RotatingFileOptions } from './rotating-file.ts';
export { StandardOutput } from './standard-output.ts';
export type { RequestHeaders, Span, SpanAttributes, Tracer } from './tracer.ts';
