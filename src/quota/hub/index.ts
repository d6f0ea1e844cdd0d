export { HubMemoError } from './errors.ts';
export { Hub, type ClusterShare, type HubOptions, type QuotaShares } from './hub.ts';
export { hubMetrics, type HubFigures } from './hub-metrics.ts';
export { hubReader } from './hub-reader.ts';
export { hubRoute, type HubRoute } from './hub-route.ts';
