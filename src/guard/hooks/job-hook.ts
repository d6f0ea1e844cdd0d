import type { Job } from '../../api/generated/batch.v1.ts';
import type { KubernetesObject } from '../../api/object-meta.ts';
import { ApiStatusError, isAlreadyExists, isNotFound, type KubeClient } from '../../kube/index.ts';
import { guardLabel } from '../guard-state.ts';
import type { GuardHook, HookCall, HookReport } from '../hook.ts';
import { GuardHookError } from './hook-error.ts';
import type { JobHookSpec } from './hook-spec.ts';

export interface JobHookOptions {
  readonly client: KubeClient;
  /** Where the Jobs are made: that of the guard. */
  readonly namespace: string;
  readonly spec: JobHookSpec;
}

/** On each Job: the UID of the Pod that it cleans up for. */
export const jobPodLabel = 'sallyport.dev/guarded-pod';

const jobs = { group: 'batch', version: 'v1', resource: 'jobs' } as const;

/**
 * A clean-up as a Kubernetes Job from a template, one for each attempt, named after the Pod's UID.
 *
 * Its containers get SALLYPORT_POD_NAME, _POD_NAMESPACE, _POD_UID, _POD_IP, _NODE_NAME, _IDEMPOTENCY_KEY and _DEADLINE
 * (RFC 3339) in their environment. The Pod does not own it: it must outlive the Pod by its own time to live. Undoing
 * deletes the Job and, where there is an undo template, makes another, which a new attempt waits for.
 *
 * Nothing can be made in a namespace that is being deleted; there, and for whatever else the API server refuses, it
 * throws {@link GuardHookError}.
 */
export class JobHook implements GuardHook {
  readonly #options: JobHookOptions;

  constructor(options: JobHookOptions) {
    this.#options = options;
  }

  async start(call: HookCall): Promise<void> {
    const { client, namespace, spec } = this.#options;
    const { items } = await client.list<Job>(
      { ...jobs, namespace },
      { labelSelector: `${jobPodLabel}=${uidOf(call)}`, signal: call.signal },
    );
    const undoing = items.find((job) => job.metadata?.name?.endsWith('-undo') === true && endOf(job) === undefined);
    if (undoing !== undefined) throw new GuardHookError(`Job ${nameOf(undoing)} is still undoing the former attempt`);
    await this.#create(jobName(call), spec.template, call);
  }

  async status(call: HookCall): Promise<HookReport> {
    const { client, namespace } = this.#options;
    const name = jobName(call);
    try {
      const job = await client.get<Job>({ ...jobs, namespace, name }, { signal: call.signal });
      // A Job of that name by somebody else says nothing about this Pod.
      if (job.metadata?.labels?.[jobPodLabel] !== uidOf(call)) return { phase: 'Unknown' };
      const end = endOf(job);
      if (end === undefined) return { phase: 'Running', message: `Job ${name} runs` };
      return end.type === 'Complete'
        ? { phase: 'Done', message: `Job ${name} is complete` }
        : { phase: 'Failed', message: `Job ${name} failed: ${end.message ?? end.reason ?? 'no reason given'}` };
    } catch (error) {
      if (isNotFound(error)) return { phase: 'Unknown' };
      throw error;
    }
  }

  async undo(call: HookCall): Promise<void> {
    const { client, namespace, spec } = this.#options;
    const name = jobName(call);
    try {
      await client.delete({ ...jobs, namespace, name }, { propagationPolicy: 'Background', signal: call.signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    if (spec.undoTemplate !== undefined) await this.#create(`${name}-undo`, spec.undoTemplate, call);
  }

  async #create(name: string, template: JobHookSpec['template'], call: HookCall): Promise<void> {
    const { client, namespace, spec } = this.#options;
    try {
      await client.create({ ...jobs, namespace }, jobFor(name, template, call, spec.ttlSecondsAfterFinished), {
        signal: call.signal,
      });
    } catch (error) {
      if (isAlreadyExists(error)) return;
      if (error instanceof ApiStatusError && error.status.details?.causes?.some(isNamespaceTerminating) === true) {
        throw new GuardHookError(
          `Job ${namespace}/${name} cannot be made while its namespace is being deleted; use an http hook for guards with onNamespaceDelete: Hold`,
          { cause: error },
        );
      }
      throw error;
    }
  }
}

/** Source: k8s.io/api v0.37.2 core/v1, NamespaceTerminatingCause. */
const isNamespaceTerminating = ({ reason }: { reason?: string | undefined }): boolean =>
  reason === 'NamespaceTerminating';

/** At most 63 characters with the suffix: Pods of the Job have its name in a label. */
function jobName(call: HookCall): string {
  return `guard-${uidOf(call)}-${call.attempt}`;
}

function uidOf({ pod }: HookCall): string {
  return pod.metadata?.uid ?? '';
}

function nameOf(job: Job): string {
  return job.metadata?.name ?? '';
}

/** The condition that says how the Job ended; undefined while it has not. */
function endOf(job: Job): NonNullable<NonNullable<Job['status']>['conditions']>[number] | undefined {
  return job.status?.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
}

function jobFor(
  name: string,
  template: JobHookSpec['template'],
  call: HookCall,
  ttlSecondsAfterFinished: number,
): KubernetesObject & Readonly<Record<string, unknown>> {
  const { metadata = {}, spec, status } = call.pod;
  const environment = Object.entries({
    SALLYPORT_POD_NAME: metadata.name,
    SALLYPORT_POD_NAMESPACE: metadata.namespace,
    SALLYPORT_POD_UID: metadata.uid,
    SALLYPORT_POD_IP: status?.podIP,
    SALLYPORT_NODE_NAME: spec?.nodeName,
    SALLYPORT_IDEMPOTENCY_KEY: call.idempotencyKey,
    SALLYPORT_DEADLINE: new Date(call.deadline).toISOString(),
  }).map(([variable, value]) => ({ name: variable, value: value ?? '' }));
  const withEnvironment = (containers: unknown): object[] =>
    (Array.isArray(containers) ? (containers as { readonly env?: readonly object[] }[]) : []).map((container) => ({
      ...container,
      env: [...(container.env ?? []), ...environment],
    }));
  const { template: pod } = template.spec;
  const labels = { [jobPodLabel]: uidOf(call) };
  // A guarded Pod of a clean-up would need a clean-up of its own.
  const { [guardLabel]: _guarded, ...podLabels } = labelsOf(pod['metadata']);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, labels: { ...labelsOf(template.metadata), ...labels } },
    spec: {
      backoffLimit: 3,
      ...template.spec,
      ttlSecondsAfterFinished,
      template: {
        ...pod,
        metadata: { labels: { ...podLabels, ...labels } },
        spec: {
          restartPolicy: 'Never',
          ...pod.spec,
          containers: withEnvironment(pod.spec.containers),
          ...('initContainers' in pod.spec ? { initContainers: withEnvironment(pod.spec['initContainers']) } : {}),
        },
      },
    },
  };
}

function labelsOf(metadata: unknown): { readonly [key: string]: string } {
  // A template's labels are checked by the API server with the rest of the Job.
  return (metadata as { labels?: { [key: string]: string } } | undefined)?.labels ?? {};
}
