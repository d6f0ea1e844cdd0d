export { HubMemoError } from './errors.ts';
export { Hub, type ClusterShare, type Definitions, type HubOptions, type QuotaShares } from './hub.ts';
export { hubRoute, type HubRoute } from './hub-route.ts';
