import type { AdmissionPlugin } from '../plugin.ts';
import { alwaysAdmitPlugin } from './always-admit.ts';
import { alwaysDenyPlugin } from './always-deny.ts';
import { alwaysPullImagesPlugin } from './always-pull-images.ts';
import { defaultIngressClassPlugin } from './default-ingress-class.ts';
import { defaultStorageClassPlugin } from './default-storage-class.ts';
import { defaultTolerationSecondsPlugin } from './default-toleration-seconds.ts';
import { denyServiceExternalIPsPlugin } from './deny-service-external-ips.ts';
import { extendedResourceTolerationPlugin } from './extended-resource-toleration.ts';
import { limitPodHardAntiAffinityTopologyPlugin } from './limit-pod-hard-anti-affinity-topology.ts';
import { limitRangerPlugin } from './limit-ranger.ts';
import { namespaceAutoProvisionPlugin } from './namespace-auto-provision.ts';
import { namespaceExistsPlugin } from './namespace-exists.ts';
import { namespaceLifecyclePlugin } from './namespace-lifecycle.ts';
import { ownerReferencesPermissionEnforcementPlugin } from './owner-references-permission-enforcement.ts';
import { persistentVolumeClaimResizePlugin } from './persistent-volume-claim-resize.ts';
import { podNodeSelectorPlugin } from './pod-node-selector.ts';
import { podTolerationRestrictionPlugin } from './pod-toleration-restriction.ts';
import { podSecurityPlugin } from './pod-security/index.ts';
import { priorityPlugin } from './priority.ts';
import { resourceQuotaPlugin } from './resource-quota.ts';
import { runtimeClassPlugin } from './runtime-class.ts';
import { serviceAccountPlugin } from './service-account.ts';
import { storageObjectInUseProtectionPlugin } from './storage-object-in-use-protection.ts';
import { taintNodesByConditionPlugin } from './taint-nodes-by-condition.ts';

/**
 * The API server's own plug-ins that the engine has a copy of, besides the two that call webhooks. Their order here means
 * nothing: `orderPlugins()` puts them in the API server's.
 */
export const simulatedPlugins: readonly AdmissionPlugin[] = [
  alwaysAdmitPlugin,
  alwaysDenyPlugin,
  alwaysPullImagesPlugin,
  defaultIngressClassPlugin,
  defaultStorageClassPlugin,
  defaultTolerationSecondsPlugin,
  denyServiceExternalIPsPlugin,
  extendedResourceTolerationPlugin,
  limitPodHardAntiAffinityTopologyPlugin,
  limitRangerPlugin,
  namespaceAutoProvisionPlugin,
  namespaceExistsPlugin,
  namespaceLifecyclePlugin,
  ownerReferencesPermissionEnforcementPlugin,
  persistentVolumeClaimResizePlugin,
  podNodeSelectorPlugin,
  podTolerationRestrictionPlugin,
  podSecurityPlugin(),
  priorityPlugin,
  resourceQuotaPlugin,
  runtimeClassPlugin,
  serviceAccountPlugin({ random: Math.random }),
  storageObjectInUseProtectionPlugin,
  taintNodesByConditionPlugin,
];
