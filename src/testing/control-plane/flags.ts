/** Command lines of the three programs. */
import { join, resolve } from 'node:path';
import type { ResolvedControlPlaneOptions } from './options.ts';

/** Where a control plane keeps its files, all in one folder. */
export interface Layout {
  readonly etcdData: string;
  readonly etcdSocket: string;
  readonly etcdPeerSocket: string;
  /** kube-apiserver makes its serving certificate here. */
  readonly certificates: string;
  readonly servingCertificate: string;
  readonly serviceAccountKey: string;
  readonly tokens: string;
  readonly auditPolicy: string;
  readonly auditLog: string;
  readonly adminKubeconfig: string;
  readonly kubectlCache: string;
}

export function layoutOf(directory: string): Layout {
  const certificates = join(directory, 'certificates');
  return {
    etcdData: join(directory, 'etcd'),
    etcdSocket: join(directory, 'etcd.sock'),
    etcdPeerSocket: join(directory, 'etcd-peer.sock'),
    certificates,
    servingCertificate: join(certificates, 'apiserver.crt'),
    serviceAccountKey: join(directory, 'service-account.key'),
    tokens: join(directory, 'tokens.csv'),
    auditPolicy: join(directory, 'audit-policy.json'),
    auditLog: join(directory, 'audit.log'),
    adminKubeconfig: join(directory, 'admin.kubeconfig'),
    kubectlCache: join(directory, 'kubectl-cache'),
  };
}

/** On Unix sockets, which need no ports and let nobody else in. */
export function etcdFlags(layout: Layout): string[] {
  const client = `unix://${layout.etcdSocket}`;
  const peer = `unix://${layout.etcdPeerSocket}`;
  return [
    `--data-dir=${layout.etcdData}`,
    // A crash of the machine may lose the data: nobody needs it then.
    '--unsafe-no-fsync',
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
  ];
}

export function apiServerFlags(layout: Layout, port: number, options: ResolvedControlPlaneOptions): string[] {
  const { admissionControlConfigFile, disableAdmissionPlugins } = options;
  return [
    `--etcd-servers=unix://${layout.etcdSocket}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${layout.certificates}`,
    `--token-auth-file=${layout.tokens}`,
    `--service-account-key-file=${layout.serviceAccountKey}`,
    `--service-account-signing-key-file=${layout.serviceAccountKey}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    '--authorization-mode=RBAC',
    '--service-cluster-ip-range=10.0.0.0/24',
    // Without it the server publishes an address for the Service `kubernetes`, which must not be a loopback one.
    '--endpoint-reconciler-type=none',
    '--allow-privileged=true',
    ...(disableAdmissionPlugins.length === 0
      ? []
      : [`--disable-admission-plugins=${disableAdmissionPlugins.join(',')}`]),
    ...(admissionControlConfigFile === undefined
      ? []
      : [`--admission-control-config-file=${resolve(admissionControlConfigFile)}`]),
    ...auditFlags(layout, options),
    ...options.apiServerFlags,
  ];
}

/** Where the audit log goes; undefined when none was asked for. */
export function auditLogPath(layout: Layout, options: ResolvedControlPlaneOptions): string | undefined {
  if (options.auditLogPath !== undefined) return resolve(options.auditLogPath);
  return options.auditPolicyFile === undefined ? undefined : layout.auditLog;
}

function auditFlags(layout: Layout, options: ResolvedControlPlaneOptions): string[] {
  const log = auditLogPath(layout, options);
  if (log === undefined) return [];
  const policy = options.auditPolicyFile === undefined ? layout.auditPolicy : resolve(options.auditPolicyFile);
  return [`--audit-log-path=${log}`, `--audit-policy-file=${policy}`];
}

export function controllerManagerFlags(layout: Layout, kubeconfig: string, controllers: readonly string[]): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    `--controllers=${controllers.join(',')}`,
    `--service-account-private-key-file=${layout.serviceAccountKey}`,
    // Each controller acts as system:serviceaccount:kube-system:<name>, as in a real cluster.
    '--use-service-account-credentials',
    '--leader-elect=false',
    '--secure-port=0',
  ];
}
