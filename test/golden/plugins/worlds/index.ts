import type { PluginWorld } from '../world.ts';
import { limitRangerWorld } from './limit-ranger.ts';
import { namespaceWorlds } from './namespaces.ts';
import { podWorlds } from './pods.ts';
import { resourceQuotaWorld } from './resource-quota.ts';
import { serviceAccountWorld } from './service-account.ts';

/** AlwaysDeny has none: an API server that runs it never gets ready, because its own first writes are refused. */
export const worlds: readonly PluginWorld[] = [
  ...namespaceWorlds,
  ...podWorlds,
  limitRangerWorld,
  serviceAccountWorld,
  resourceQuotaWorld,
];
