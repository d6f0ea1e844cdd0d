import type { UserInfo } from '../api/admission-review.ts';
import type { Namespace, Node, Pod } from '../api/generated/core.v1.ts';
import type { PodDisruptionBudget } from '../api/generated/policy.v1.ts';
import type { WebhookConfiguration } from '../api/webhook-configuration.ts';
import { isForbidden, isNotFound, type KubeClient, type ObjectAddress } from '../kube/index.ts';
import type { GuardDefinition } from './definition.ts';
import { deletionGuardKind } from './deletion-guard.ts';
import { budgetAnswer } from './disruption-budget.ts';
import { exemptionOf } from './exemption.ts';
import { resolveGuardPolicy, type GuardPolicy } from './guard-policy.ts';
import { guardLabel, guardLabelValue, stateOf, takesSlot, type GuardState } from './guard-state.ts';
import { classifyRequester, type RemovalVerb } from './requester.ts';
import { workloadOf } from './workload.ts';

export interface ExplainOptions {
  readonly verb: RemovalVerb;
  readonly user: UserInfo;
  /** Guards of users' files, which the cluster does not know. */
  readonly definitions: readonly GuardDefinition[];
}

/** What would become of a request to remove a Pod, and the questions that led there. */
export interface Explanation {
  readonly outcome: 'allowed' | 'held' | 'refused';
  readonly reason: string;
  /** In the order in which they are asked. The last one decided. */
  readonly steps: readonly ExplainedStep[];
}

export interface ExplainedStep {
  readonly question: string;
  readonly answer: string;
}

/**
 * Asks what the webhooks of the guard ask, with the rights of the caller, and changes nothing.
 *
 * A question whose object may not be read is answered by `unknown`, and the next one is asked.
 */
export async function explainRemoval(client: KubeClient, pod: Pod, options: ExplainOptions): Promise<Explanation> {
  const { verb, user, definitions } = options;
  const { namespace = '', labels } = pod.metadata ?? {};
  const steps: ExplainedStep[] = [];
  const step = (question: string, answer: string): void => void steps.push({ question, answer });
  const conclude = (outcome: Explanation['outcome'], reason: string): Explanation => ({ outcome, reason, steps });

  const hook = verb === 'DELETE' ? 'delete.guard.sallyport.dev' : 'evict.guard.sallyport.dev';
  const registered = await isRegistered(client, hook);
  step('Is the guard registered?', registered === undefined ? unknown : registered ? `yes, ${hook}` : 'no');
  if (registered === false) return conclude('allowed', 'no gate with a guard has registered its webhooks');

  const owner = await read<Namespace>(client, { group: '', version: 'v1', resource: 'namespaces', name: namespace });
  const isOptedIn = owner === undefined ? undefined : owner.metadata?.labels?.[guardLabel] === guardLabelValue;
  step('Is its namespace labelled for the guard?', isOptedIn === undefined ? unknown : isOptedIn ? 'yes' : 'no');
  if (isOptedIn === false) {
    return conclude('allowed', `label it: kubectl label namespace ${namespace} ${guardLabel}=${guardLabelValue}`);
  }

  const isLabelled = labels?.[guardLabel] === guardLabelValue;
  step('Is the Pod labelled for the guard?', isLabelled ? 'yes' : 'no');
  if (!isLabelled) return conclude('allowed', `give its template the label ${guardLabel}: ${guardLabelValue}`);

  const exemption = exemptionOf(pod, user);
  step('May it never be held?', exemption === undefined ? 'no' : (exemptionTexts[exemption] ?? exemption));
  if (exemption !== undefined) return conclude('allowed', exemptionTexts[exemption] ?? exemption);

  const guard = await findGuard(client, pod, definitions);
  step('Which guard is for it?', guard === 'unknown' ? unknown : (guard?.name ?? 'none'));
  if (guard === undefined) {
    return conclude('allowed', `no DeletionGuard of ${namespace} selects it; guards in files are found with --config`);
  }

  const policy = guard === 'unknown' ? undefined : guard.policy;
  const requesterClass = classifyRequester(user, verb);
  if (owner?.metadata?.deletionTimestamp !== undefined || requesterClass === 'Namespace') {
    const rule = policy?.onNamespaceDelete ?? unknown;
    step('Its namespace is being deleted: what does the guard say?', rule);
    if (rule === 'Allow') return conclude('allowed', 'its namespace is being deleted');
  }

  const state = stateOf(pod);
  step('Has its removal begun?', state === undefined ? 'no' : describeState(state));
  if (state?.phase === 'Released') return conclude('allowed', `released: ${state.releaseCause ?? 'Clean'}`);
  const isHeld = state !== undefined && state.phase !== 'Aborted';
  if (isHeld) return conclude('held', `its removal is held: ${state.phase}`);

  const node = await read<Node>(client, {
    group: '',
    version: 'v1',
    resource: 'nodes',
    name: pod.spec?.nodeName ?? '',
  });
  const isOut = node?.spec?.taints?.some(({ key }) => key === 'node.kubernetes.io/out-of-service') ?? false;
  step('Is its node there?', node === undefined ? unknown : isOut ? 'out of service' : 'yes');
  if (isOut) return conclude('allowed', 'its node is out of service');

  if (verb === 'eviction') {
    const budgets = await list<PodDisruptionBudget>(client, {
      group: 'policy',
      version: 'v1',
      resource: 'poddisruptionbudgets',
      namespace,
    });
    const budget = budgets === undefined ? undefined : budgetAnswer(pod, budgets);
    step(
      'Does its disruption budget let it go?',
      budget === undefined ? unknown : budget.kind === 'free' ? 'yes' : 'no',
    );
    if (budget?.kind === 'refused') {
      return conclude('refused', budget.causes[0]?.message ?? budget.message);
    }
  }

  const leaving = await leavingOfWorkload(client, pod);
  const places = policy?.maxConcurrent ?? 1;
  step('Are others of its workload leaving?', leaving.length === 0 ? 'no' : leaving.join(', '));
  if (leaving.length >= places) return conclude('held', `it waits until ${leaving.join(', ')} has left`);
  const finisher = policy?.finisher[requesterClass] ?? unknown;
  const afterwards =
    finisher === 'Delete'
      ? 'if nobody asks again after that, the guard deletes it'
      : 'if nobody asks again, the clean-up is undone';
  return conclude('held', `a clean-up begins; ${afterwards} (requester ${requesterClass}, finisher ${finisher})`);
}

const unknown = 'unknown: may not be read';

const exemptionTexts: Readonly<Record<string, string>> = {
  'not-terminating': 'it is being deleted already',
  'not-ended': 'it has ended',
  scheduled: 'it runs on no node',
  'not-mirror': 'it is the mirror of a static Pod',
  'not-by-node': 'a node asks',
  'not-bypassed': 'it bears the bypass annotation',
};

interface FoundGuard {
  readonly name: string;
  readonly policy: GuardPolicy;
}

/** As the gate finds it: DeletionGuards first, by name. */
async function findGuard(
  client: KubeClient,
  pod: Pod,
  definitions: readonly GuardDefinition[],
): Promise<FoundGuard | undefined | 'unknown'> {
  const { namespace = '', labels } = pod.metadata ?? {};
  const { group, version, resource } = deletionGuardKind;
  const objects = await list<Pod>(client, { group, version, resource, namespace });
  const found = (objects ?? [])
    .flatMap((object) => {
      const parsed = deletionGuardKind.parse(object);
      return 'object' in parsed && parsed.object.selector.matches(labels) ? [parsed.object] : [];
    })
    .sort((one, other) => (one.name < other.name ? -1 : 1))[0];
  if (found !== undefined) return { name: `${namespace}/${found.name}`, policy: found.policy };
  const defined = definitions
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .find(({ match }) => match(pod));
  if (defined !== undefined) return { name: defined.name, policy: resolveGuardPolicy(defined.policy) };
  return objects === undefined ? 'unknown' : undefined;
}

async function leavingOfWorkload(client: KubeClient, pod: Pod): Promise<string[]> {
  const workload = workloadOf(pod);
  if (workload === undefined) return [];
  const namespace = pod.metadata?.namespace ?? '';
  const { items } = await client.list<Pod>(
    { group: '', version: 'v1', resource: 'pods', namespace },
    { labelSelector: `${guardLabel}=${guardLabelValue}` },
  );
  return items
    .filter((other) => workloadOf(other) === workload && other.metadata?.uid !== pod.metadata?.uid)
    .filter((other) => takesSlot(stateOf(other)))
    .map(({ metadata }) => metadata?.name ?? '');
}

async function isRegistered(client: KubeClient, webhook: string): Promise<boolean | undefined> {
  const configurations = await list<WebhookConfiguration>(client, {
    group: 'admissionregistration.k8s.io',
    version: 'v1',
    resource: 'validatingwebhookconfigurations',
  });
  return configurations?.some(({ webhooks }) => webhooks?.some(({ name }) => name === webhook));
}

/** Undefined when it may not be read, or is not there. */
async function read<T extends object>(client: KubeClient, address: ObjectAddress): Promise<T | undefined> {
  try {
    return await client.get<T>(address);
  } catch (error) {
    if (isForbidden(error) || isNotFound(error)) return undefined;
    throw error;
  }
}

/** Undefined when they may not be read, or the cluster has no such kind. */
async function list<T extends object>(
  client: KubeClient,
  collection: Parameters<KubeClient['list']>[0],
): Promise<T[] | undefined> {
  try {
    return (await client.list(collection)).items as T[];
  } catch (error) {
    if (isForbidden(error) || isNotFound(error)) return undefined;
    throw error;
  }
}

function describeState({ phase, guard, attempt, requester, deadline }: GuardState): string {
  const until = deadline === undefined ? '' : `, until ${new Date(deadline).toISOString()}`;
  return `${phase} by ${guard}, attempt ${attempt} for ${requester}${until}`;
}
