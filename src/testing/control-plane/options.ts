import type { ControlPlaneUser } from './credentials.ts';

export interface ControlPlaneOptions {
  /**
   * Controllers that kube-controller-manager runs, by its own names (`deployment`, `replicaset`, …). Default: none, and
   * it is not started. Without `clusterrole-aggregation` the ClusterRoles view, edit and admin give no rights.
   */
  readonly controllers?: readonly string[];
  /** Users besides the admin. Each gets a token. Default: none. */
  readonly users?: readonly ControlPlaneUser[];
  /** Default: `['ServiceAccount']`, so that Pods need no service account that a controller would have to make. */
  readonly disableAdmissionPlugins?: readonly string[];
  /** Path of an AdmissionConfiguration. Default: none. */
  readonly admissionControlConfigFile?: string;
  /** Path of an audit Policy. Default: everything at level Metadata, if `auditLogPath` is given. */
  readonly auditPolicyFile?: string;
  /** File that the audit log is written to, JSON lines. Default: none is written, or `audit.log` in the data folder if `auditPolicyFile` is given. */
  readonly auditLogPath?: string;
  /** Further flags of kube-apiserver, put last. Default: none. */
  readonly apiServerFlags?: readonly string[];
  /** Runs everything in a network namespace of its own, to be entered by `exec`. Needs Linux. Default: false. */
  readonly networkNamespace?: boolean;
  /** Default: 60. From nothing to ready takes 2–5 s on a quiet machine. */
  readonly startTimeoutSeconds?: number;
}

export interface ResolvedControlPlaneOptions {
  readonly controllers: readonly string[];
  readonly users: readonly ControlPlaneUser[];
  readonly disableAdmissionPlugins: readonly string[];
  readonly admissionControlConfigFile: string | undefined;
  readonly auditPolicyFile: string | undefined;
  readonly auditLogPath: string | undefined;
  readonly apiServerFlags: readonly string[];
  readonly networkNamespace: boolean;
  readonly startTimeoutSeconds: number;
}

export function resolveControlPlaneOptions(options: ControlPlaneOptions): ResolvedControlPlaneOptions {
  return {
    controllers: options.controllers ?? [],
    users: options.users ?? [],
    disableAdmissionPlugins: options.disableAdmissionPlugins ?? ['ServiceAccount'],
    admissionControlConfigFile: options.admissionControlConfigFile,
    auditPolicyFile: options.auditPolicyFile,
    auditLogPath: options.auditLogPath,
    apiServerFlags: options.apiServerFlags ?? [],
    networkNamespace: options.networkNamespace ?? false,
    startTimeoutSeconds: options.startTimeoutSeconds ?? 60,
  };
}
