import type { UserInfo } from '../api/admission-review.ts';
import type { Pod } from '../api/generated/core.v1.ts';
import type { MatchCondition } from '../api/webhook-configuration.ts';
import { bypassAnnotation } from './guard-state.ts';

/** A reason to let a removal through at once, told twice: to the API server, and to our own code. */
interface Exemption {
  readonly name: string;
  /** CEL that holds when the guard is to be asked; `oldObject` is the Pod. */
  readonly unless: string;
  readonly exempts: (pod: Pod, user: UserInfo) => boolean;
}

const hasAnnotation = (key: string): string =>
  `has(oldObject.metadata.annotations) && "${key}" in oldObject.metadata.annotations`;

/**
 * Written by the kubelet on the API's copy of a static Pod. Source: kubernetes v1.37.2 pkg/kubelet/types/constants.go,
 * ConfigMirrorAnnotationKey.
 */
const mirrorAnnotation = 'kubernetes.io/config.mirror';

/**
 * What must never be held. A refusal of the last delete of a Pod leaves it half deleted, one that never ran has nothing
 * to clean up, and a kubelet or PodGC that is refused blocks its node.
 */
const exemptions: readonly Exemption[] = [
  {
    name: 'not-terminating',
    unless: '!has(oldObject.metadata.deletionTimestamp)',
    exempts: ({ metadata }) => metadata?.deletionTimestamp !== undefined,
  },
  {
    name: 'not-ended',
    unless: '!(has(oldObject.status.phase) && oldObject.status.phase in ["Succeeded", "Failed"])',
    exempts: ({ status }) => status?.phase === 'Succeeded' || status?.phase === 'Failed',
  },
  {
    name: 'scheduled',
    unless: 'has(oldObject.spec.nodeName) && oldObject.spec.nodeName != ""',
    exempts: ({ spec }) => (spec?.nodeName ?? '') === '',
  },
  {
    name: 'not-mirror',
    unless: `!(${hasAnnotation(mirrorAnnotation)})`,
    exempts: ({ metadata }) => metadata?.annotations?.[mirrorAnnotation] !== undefined,
  },
  {
    name: 'not-by-node',
    unless: '!(has(request.userInfo.groups) && "system:nodes" in request.userInfo.groups)',
    exempts: (_pod, { groups = [] }) => groups.includes('system:nodes'),
  },
  {
    name: 'not-bypassed',
    unless: `!(${hasAnnotation(bypassAnnotation)})`,
    exempts: ({ metadata }) => metadata?.annotations?.[bypassAnnotation] !== undefined,
  },
];

/** For the webhook on DELETE: the API server does not call it then, so that such Pods go while no guard answers. */
export const exemptionConditions: readonly MatchCondition[] = exemptions.map(({ name, unless }) => ({
  name,
  expression: unless,
}));

/** Why a removal is let through whatever the guards say; undefined when it is not. */
export function exemptionOf(pod: Pod, user: UserInfo): string | undefined {
  return exemptions.find(({ exempts }) => exempts(pod, user))?.name;
}
