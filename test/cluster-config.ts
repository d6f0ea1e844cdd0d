import { constantValue, type ClusterConfig } from '../src/kube/index.ts';

/** How to reach an API server that asks nobody who he is. */
export function plainClusterConfig(server: string): ClusterConfig {
  return {
    server: new URL(server),
    namespace: 'default',
    tls: constantValue({ ca: undefined, certificate: undefined, key: undefined }),
    tlsServerName: undefined,
    insecureSkipTlsVerify: false,
    token: undefined,
    impersonation: undefined,
  };
}
