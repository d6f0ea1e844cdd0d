import type { Pod } from '../api/generated/core.v1.ts';
import { ApiStatusError, isConflict, isNotFound, type RequestOptions } from '../kube/index.ts';
import type { GuardClient } from './guard-client.ts';
import type { GuardState } from './guard-state.ts';
import { podAddress } from './pod-store.ts';

/** What the API server made of it: `refused` by a disruption budget or somebody's admission rule. */
export type FinishOutcome = 'accepted' | 'refused' | 'gone';

/**
 * Asks for the removal of a released Pod in place of whoever wanted it: the same Pod, with the same grace, by the same
 * verb, so that disruption budgets count where they did before. Throws what the client throws but for refusals.
 */
export async function finish(
  client: GuardClient,
  pod: Pod,
  { verb, graceSeconds }: GuardState,
  options: RequestOptions,
): Promise<FinishOutcome> {
  const uid = pod.metadata?.uid ?? '';
  const grace = graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds };
  try {
    if (verb === 'DELETE') {
      await client.delete(podAddress(pod), { ...options, maxRetries: 0, preconditions: { uid }, ...grace });
    } else {
      const { name, namespace } = pod.metadata ?? {};
      const eviction = {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name, namespace },
        deleteOptions: { preconditions: { uid }, ...grace },
      };
      await client.create({ ...podAddress(pod), subresource: 'eviction' }, eviction, { ...options, maxRetries: 0 });
    }
    return 'accepted';
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) return 'gone';
    if (error instanceof ApiStatusError && error.statusCode >= 400 && error.statusCode < 500) return 'refused';
    throw error;
  }
}
