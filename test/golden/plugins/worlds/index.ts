import type { PluginWorld } from '../world.ts';
import { limitRangerWorld } from './limit-ranger.ts';
import { namespaceWorlds } from './namespaces.ts';
import { networkWorlds } from './network.ts';
import { ownerReferencesWorld } from './owner-references.ts';
import { placementWorlds } from './placement.ts';
import { podWorlds } from './pods.ts';
import { resourceQuotaWorld } from './resource-quota.ts';
import { serviceAccountWorld } from './service-account.ts';
import { storageWorlds } from './storage.ts';

/** Every plug-in of these worlds, in servers of their own. */
export const worlds: readonly PluginWorld[] = [
  ...namespaceWorlds,
  ...podWorlds,
  limitRangerWorld,
  serviceAccountWorld,
  resourceQuotaWorld,
  ...placementWorlds,
  ...storageWorlds,
  ...networkWorlds,
  ownerReferencesWorld,
];
