import type { Observation, QuotaTerms, Reservation } from '../src/quota/ledger/index.ts';
import { parseResourceList, type ResourceList } from '../src/usage/index.ts';

export function list(body: Record<string, string>): ResourceList {
  return parseResourceList(body, 'test');
}

export function quotaTerms(id: string, hard: Record<string, string>, more: Partial<QuotaTerms> = {}): QuotaTerms {
  return { id, name: id, generation: 1, hard: list(hard), mode: 'enforce', ...more };
}

/** The creation of a Pod that uses one `pods`. */
export function reservation(uid: string, quotas: readonly string[], more: Partial<Reservation> = {}): Reservation {
  return {
    key: { cluster: 'east', resource: 'pods', uid },
    namespace: 'shop',
    name: `pod-${uid}`,
    attempt: `call-${uid}`,
    usage: list({ pods: '1' }),
    quotas,
    dryRun: false,
    ...more,
  };
}

/** The informer's word of an object that was stored as it was asked for. */
export function present({ key, namespace, name, usage, quotas }: Reservation, resourceVersion: bigint): Observation {
  return { type: 'present', key, namespace, name, usage, quotas, resourceVersion };
}
