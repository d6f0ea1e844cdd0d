export { AdmissionServer } from './admission-server.ts';
export { InvalidServerOptionsError, ListenError } from './errors.ts';
export type { HealthCheck } from './health.ts';
export type { HttpRequest, HttpResponse } from './http-message.ts';
export type { ListenAddress } from './listener.ts';
export { metricsRoute } from './metrics-route.ts';
export {
  noObserver,
  type EventLoopDelay,
  type FinishedRequest,
  type RequestOutcome,
  type ServerLoad,
  type ServerObserver,
} from './observer.ts';
export { OperationsServer, type OperationsServerOptions } from './operations-server.ts';
export type { MountedRoute } from './routes.ts';
export { serverMetrics } from './server-metrics.ts';
export type {
  AdmissionServerOptions,
  ClientCertificateOptions,
  OperationsListenerOptions,
  ServerLimits,
  ShutdownTimes,
} from './server-options.ts';
