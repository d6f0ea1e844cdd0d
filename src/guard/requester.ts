import type { UserInfo } from '../api/admission-review.ts';

/** How a Pod is asked to leave: by DELETE, or through its `eviction` subresource. */
export type RemovalVerb = 'DELETE' | 'eviction';

/**
 * Who asks a Pod to leave, as far as the guard treats them differently: a closed set, fit for labels of metrics.
 *
 * `Drain` is a user's eviction: who evicts repeats it, who deletes does not. `ControllerManager` is a
 * kube-controller-manager whose controllers share one user, so that nobody can tell which of them asks.
 */
export const requesterClasses = [
  'User',
  'Drain',
  'Workload',
  'GarbageCollector',
  'Namespace',
  'PodGC',
  'TaintEviction',
  'Preemption',
  'Autoscaler',
  'Descheduler',
  'ControllerManager',
  'Node',
] as const;
export type RequesterClass = (typeof requesterClasses)[number];

/**
 * The class of a user. Controllers are known by the service accounts of `--use-service-account-credentials`; tools that
 * are installed anywhere by the name of theirs.
 *
 * Source: kubernetes v1.37.2 plugin/pkg/auth/authorizer/rbac/bootstrappolicy/controller_policy.go; names of service
 * accounts in the charts of cluster-autoscaler, karpenter and descheduler.
 */
export function classifyRequester({ username = '', groups = [] }: UserInfo, verb: RemovalVerb): RequesterClass {
  if (groups.includes('system:nodes')) return 'Node';
  const known = componentClasses[username];
  if (known !== undefined) return known;
  const account = /^system:serviceaccount:[^:]+:(.+)$/.exec(username)?.[1];
  if (account !== undefined) {
    const tool = toolClasses.find(([pattern]) => pattern.test(account));
    if (tool !== undefined) return tool[1];
  }
  return verb === 'eviction' ? 'Drain' : 'User';
}

const controller = (name: string): string => `system:serviceaccount:kube-system:${name}`;

const componentClasses: Readonly<Record<string, RequesterClass>> = {
  'system:kube-controller-manager': 'ControllerManager',
  'system:kube-scheduler': 'Preemption',
  [controller('replicaset-controller')]: 'Workload',
  [controller('replication-controller')]: 'Workload',
  [controller('statefulset-controller')]: 'Workload',
  [controller('daemon-set-controller')]: 'Workload',
  [controller('job-controller')]: 'Workload',
  [controller('generic-garbage-collector')]: 'GarbageCollector',
  [controller('namespace-controller')]: 'Namespace',
  [controller('pod-garbage-collector')]: 'PodGC',
  [controller('node-controller')]: 'TaintEviction',
  [controller('taint-eviction-controller')]: 'TaintEviction',
  [controller('device-taint-eviction-controller')]: 'TaintEviction',
};

const toolClasses: ReadonlyArray<readonly [RegExp, RequesterClass]> = [
  [/cluster-autoscaler/, 'Autoscaler'],
  [/karpenter/, 'Autoscaler'],
  [/descheduler/, 'Descheduler'],
];

/** What the guard does when nobody comes back for a Pod: delete it itself, or call its clean-up off. */
export type FinisherMode = 'Delete' | 'Abort';

/**
 * Who never comes back (a person's `kubectl delete`, the five quick tries of taint eviction) or not for a long while
 * (the garbage collector, which no write to the Pod wakes) still wants the Pod gone; who repeats the request until it
 * gives up does not want it any more.
 */
export const defaultFinisher: Readonly<Record<RequesterClass, FinisherMode>> = {
  User: 'Delete',
  Drain: 'Abort',
  Workload: 'Abort',
  GarbageCollector: 'Delete',
  Namespace: 'Delete',
  PodGC: 'Delete',
  TaintEviction: 'Delete',
  Preemption: 'Delete',
  Autoscaler: 'Abort',
  Descheduler: 'Abort',
  ControllerManager: 'Delete',
  Node: 'Delete',
};
