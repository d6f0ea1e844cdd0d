// The adapters stay out of here, so that only who uses one loads its package: `pino-logger.ts`, `prometheus-metrics.ts`.
export { silentLogger, type LogFacts, type Logger } from './logger.ts';
export { systemClock, type Clock } from './clock.ts';
export {
  latencyBuckets,
  noMetrics,
  type Counter,
  type Gauge,
  type Histogram,
  type LabelValues,
  type MetricDefinition,
  type Metrics,
} from './metrics.ts';
