import type { KubeClient } from '../kube/index.ts';

/** What the guard asks of the API server. */
export type GuardClient = Pick<KubeClient, 'create' | 'delete' | 'get' | 'list' | 'patch' | 'replace'>;
