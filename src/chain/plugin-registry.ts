import { SallyportError } from '../errors.ts';
import type { AdmissionPlugin } from './plugin.ts';

/** One plug-in that kube-apiserver has, and whether it runs without being asked for. */
export interface PluginListing {
  readonly name: string;
  readonly defaultEnabled: boolean;
}

/**
 * Every admission plug-in of kube-apiserver, in the order in which both walks visit them, whatever the order on the
 * command line.
 *
 * Source: k8s.io/kubernetes v1.37.2 pkg/kubeapiserver/options/plugins.go, AllOrderedPlugins and DefaultOffAdmissionPlugins.
 */
export const pluginOrder: readonly PluginListing[] = [
  off('AlwaysAdmit'),
  off('NamespaceAutoProvision'),
  on('NamespaceLifecycle'),
  off('NamespaceExists'),
  off('LimitPodHardAntiAffinityTopology'),
  on('LimitRanger'),
  on('ServiceAccount'),
  off('NodeRestriction'),
  on('TaintNodesByCondition'),
  off('AlwaysPullImages'),
  off('ImagePolicyWebhook'),
  on('PodSecurity'),
  off('PodNodeSelector'),
  on('Priority'),
  on('DefaultTolerationSeconds'),
  off('PodTolerationRestriction'),
  off('EventRateLimit'),
  off('ExtendedResourceToleration'),
  on('DefaultStorageClass'),
  on('StorageObjectInUseProtection'),
  on('PodGroupProtection'),
  off('OwnerReferencesPermissionEnforcement'),
  on('PersistentVolumeClaimResize'),
  on('RuntimeClass'),
  on('CertificateApproval'),
  on('CertificateSigning'),
  on('ClusterTrustBundleAttest'),
  on('CertificateSubjectRestriction'),
  on('DefaultIngressClass'),
  off('DenyServiceExternalIPs'),
  on('PodTopologyLabels'),
  on('NodeDeclaredFeatureValidator'),
  on('PodResizeValidator'),
  on('MutatingAdmissionPolicy'),
  on('MutatingAdmissionWebhook'),
  on('ValidatingAdmissionPolicy'),
  on('ValidatingAdmissionWebhook'),
  on('ResourceQuota'),
  off('AlwaysDeny'),
];

/** The API server's two command line flags. */
export interface PluginFlags {
  /** `--enable-admission-plugins`. Default: none. */
  readonly enable?: readonly string[];
  /** `--disable-admission-plugins`. Default: none. */
  readonly disable?: readonly string[];
}

/**
 * Names of the plug-ins that run under these flags, in order.
 *
 * Throws {@link InvalidPluginFlagsError} with the API server's own texts when a name is unknown or on both lists.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/server/options/admission.go, Validate and enabledPluginNames.
 */
export function enabledPlugins({ enable = [], disable = [] }: PluginFlags = {}): string[] {
  const known = new Set(pluginOrder.map(({ name }) => name));
  const problems = [
    ...unknownNames(enable, known).map((name) => `enable-admission-plugins plugin ${JSON.stringify(name)} is unknown`),
    ...unknownNames(disable, known).map(
      (name) => `disable-admission-plugins plugin ${JSON.stringify(name)} is unknown`,
    ),
  ];
  const overlap = [...new Set(enable)].filter((name) => disable.includes(name)).sort();
  if (overlap.length > 0) {
    problems.push(`[${overlap.join(' ')}] in enable-admission-plugins and disable-admission-plugins overlapped`);
  }
  if (problems.length > 0) throw new InvalidPluginFlagsError(problems);
  return pluginOrder
    .filter(({ name, defaultEnabled }) => enable.includes(name) || (defaultEnabled && !disable.includes(name)))
    .map(({ name }) => name);
}

/** A place in the chain: a plug-in, or the name of one that the engine has no copy of. */
export type ChainEntry = AdmissionPlugin | NotSimulated;

/** Stands in the chain without effect; the trace says "not simulated" where the API server would have run it. */
export interface NotSimulated {
  readonly name: string;
  readonly notSimulated: true;
}

/**
 * The chain that runs under these flags: of `plugins` those that are enabled, in the API server's order, and a
 * {@link NotSimulated} for every enabled one that `plugins` lacks.
 *
 * Throws {@link InvalidPluginFlagsError} as {@link enabledPlugins} does, and when two plug-ins have one name or a name
 * is none of the API server's.
 */
export function orderPlugins(plugins: readonly AdmissionPlugin[], flags: PluginFlags = {}): ChainEntry[] {
  const names = plugins.map(({ name }) => name);
  const problems = [
    ...unknownNames(names, new Set(pluginOrder.map(({ name }) => name))).map(
      (name) => `plugin ${JSON.stringify(name)} is unknown`,
    ),
    ...names
      .filter((name, index) => names.indexOf(name) !== index)
      .map((name) => `plugin ${JSON.stringify(name)} was given twice`),
  ];
  if (problems.length > 0) throw new InvalidPluginFlagsError(problems);
  return enabledPlugins(flags).map(
    (name) => plugins.find((plugin) => plugin.name === name) ?? { name, notSimulated: true },
  );
}

/** The names of plug-ins make no chain; each problem is told in the API server's words. */
export class InvalidPluginFlagsError extends SallyportError {
  readonly code = 'SALLYPORT_INVALID_PLUGIN_FLAGS';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('; '));
    this.problems = problems;
  }
}

function on(name: string): PluginListing {
  return { name, defaultEnabled: true };
}

function off(name: string): PluginListing {
  return { name, defaultEnabled: false };
}

function unknownNames(names: readonly string[], known: ReadonlySet<string>): string[] {
  return names.filter((name) => !known.has(name));
}
