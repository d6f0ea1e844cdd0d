import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { stringify } from 'yaml';

/** Somebody whom the API server knows by a token. */
export interface ControlPlaneUser {
  readonly name: string;
  /** Default: none; the API server adds `system:authenticated`. */
  readonly groups?: readonly string[];
}

/** The admin: RBAC lets the group system:masters do everything. */
export const adminUser: ControlPlaneUser = { name: 'kubernetes-admin', groups: ['system:masters'] };
export const controllerManagerUser: ControlPlaneUser = { name: 'system:kube-controller-manager' };

export function newToken(): string {
  return randomBytes(24).toString('base64url');
}

/** Key that signs service account tokens, as PEM. */
export function newServiceAccountKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'sec1', format: 'pem' }).toString();
}

/**
 * The file of `--token-auth-file`.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/authentication/token/tokenfile/tokenfile.go: CSV of token, user, uid and groups.
 */
export function tokenFile(
  users: ReadonlyMap<string, { readonly user: ControlPlaneUser; readonly token: string }>,
): string {
  const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
  return [...users.values()]
    .map(({ user, token }) => [token, user.name, user.name, (user.groups ?? []).join(',')].map(quote).join(',') + '\n')
    .join('');
}

/** A kubeconfig with one context. `caCertificate` is PEM. */
export function kubeconfigText(facts: {
  readonly server: string;
  readonly caCertificate: string;
  readonly user: string;
  readonly token: string;
}): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'control-plane',
        cluster: {
          server: facts.server,
          'certificate-authority-data': Buffer.from(facts.caCertificate).toString('base64'),
        },
      },
    ],
    users: [{ name: facts.user, user: { token: facts.token } }],
    contexts: [{ name: 'control-plane', context: { cluster: 'control-plane', user: facts.user } }],
    'current-context': 'control-plane',
  });
}
