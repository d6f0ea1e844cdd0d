import type { AdmissionPlugin } from '../plugin.ts';
import { alwaysAdmitPlugin } from './always-admit.ts';
import { alwaysDenyPlugin } from './always-deny.ts';
import { alwaysPullImagesPlugin } from './always-pull-images.ts';
import { defaultTolerationSecondsPlugin } from './default-toleration-seconds.ts';
import { limitRangerPlugin } from './limit-ranger.ts';
import { namespaceAutoProvisionPlugin } from './namespace-auto-provision.ts';
import { namespaceExistsPlugin } from './namespace-exists.ts';
import { namespaceLifecyclePlugin } from './namespace-lifecycle.ts';
import { priorityPlugin } from './priority.ts';
import { resourceQuotaPlugin } from './resource-quota.ts';
import { serviceAccountPlugin } from './service-account.ts';
import { taintNodesByConditionPlugin } from './taint-nodes-by-condition.ts';

/**
 * The API server's own plug-ins that the engine has a copy of, besides the two that call webhooks. Their order here means
 * nothing: `orderPlugins()` puts them in the API server's.
 */
export const simulatedPlugins: readonly AdmissionPlugin[] = [
  alwaysAdmitPlugin,
  alwaysDenyPlugin,
  alwaysPullImagesPlugin,
  defaultTolerationSecondsPlugin,
  limitRangerPlugin,
  namespaceAutoProvisionPlugin,
  namespaceExistsPlugin,
  namespaceLifecyclePlugin,
  priorityPlugin,
  resourceQuotaPlugin,
  serviceAccountPlugin({ random: Math.random }),
  taintNodesByConditionPlugin,
];
