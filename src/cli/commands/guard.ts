import { readGateConfiguration } from '../../app/gate-configuration.ts';
import type { Pod } from '../../api/generated/core.v1.ts';
import {
  explainRemoval,
  guardedPodView,
  intervene,
  isHeldPhase,
  listGuardedPods,
  readGuardedPod,
  waitUntilCarriedOut,
  type Intervention,
} from '../../guard/index.ts';
import { KubeClient, loadClusterConfig } from '../../kube/index.ts';
import { loadGuards } from '../../sources/webhook-files.ts';
import { exitCode, type ExitCode } from '../exit-code.ts';
import type {
  GuardBypassOptions,
  GuardExplainOptions,
  GuardListOptions,
  GuardOptions,
  GuardRequestOptions,
} from '../guard-program.ts';
import { formatExplanation, formatGuardedPod, formatGuardedPods } from '../guard-report.ts';
import { UsageError } from '../usage-error.ts';

export async function guardList(options: GuardListOptions): Promise<ExitCode> {
  return withCluster(options, async (client, namespace) => {
    const pods = await listGuardedPods(client, options.allNamespaces === true ? undefined : namespace);
    const shown = pods.filter(({ phase }) => options.all === true || (phase !== 'Free' && phase !== 'Aborted'));
    print(options, { items: shown }, () => formatGuardedPods(shown, Date.now()));
    return exitCode.done;
  });
}

export async function guardShow(target: string, options: GuardOptions): Promise<ExitCode> {
  return withPod(target, options, async (_client, pod) => {
    const view = guardedPodView(pod);
    print(options, view, () => formatGuardedPod(view, Date.now()));
    return exitCode.done;
  });
}

/** Refused, for the exit code, when there is nothing to release or abort, or the gate did not do it in time. */
export async function guardRequest(
  kind: 'release' | 'abort',
  target: string,
  options: GuardRequestOptions,
): Promise<ExitCode> {
  return withPod(target, options, async (client, pod) => {
    const before = guardedPodView(pod);
    const where = `${before.namespace}/${before.pod}`;
    if (!isHeldPhase(before.phase) && !(kind === 'abort' && before.phase === 'Released')) {
      process.stderr.write(`${where} is ${before.phase}: there is no hold to ${kind}\n`);
      return exitCode.refused;
    }
    await intervene(client, pod, { kind });
    if (options.timeout === 0) {
      process.stdout.write(`${where}: ${kind} requested\n`);
      return exitCode.done;
    }
    const after = await waitUntilCarriedOut(client, pod, AbortSignal.timeout(options.timeout * 1000)).catch(
      (error: unknown) => {
        if (error instanceof DOMException && error.name === 'TimeoutError') return 'late' as const;
        throw error;
      },
    );
    if (after === 'late') {
      process.stderr.write(
        `${where}: ${kind} requested, and no gate has done it within ${options.timeout} s; is one running? ` +
          `To let the Pod go without one: sallyport guard bypass -n ${before.namespace} ${before.pod} --reason TEXT\n`,
      );
      return exitCode.refused;
    }
    if (after === undefined) {
      process.stdout.write(`${where} is gone\n`);
      return exitCode.done;
    }
    const view = guardedPodView(after);
    print(options, view, () => `${where}: ${view.phase}\n`);
    return exitCode.done;
  });
}

export async function guardBypass(target: string, options: GuardBypassOptions): Promise<ExitCode> {
  if (options.reason.trim() === '') throw new UsageError('--reason is empty; say why, for whoever reads the audit log');
  return withPod(target, options, async (client, pod) => {
    const intervention: Intervention = { kind: 'bypass', reason: options.reason };
    await intervene(client, pod, intervention);
    const view = guardedPodView(pod);
    print(options, { ...view, bypass: options.reason }, () =>
      [
        `${view.namespace}/${view.pod} passes the guard from now on; nothing is deleted by this.`,
        `To delete it: kubectl delete pod -n ${view.namespace} ${view.pod}`,
        '',
      ].join('\n'),
    );
    return exitCode.done;
  });
}

/** Refused, for the exit code, when the request would be refused. */
export async function guardExplain(target: string, options: GuardExplainOptions): Promise<ExitCode> {
  return withPod(target, options, async (client, pod) => {
    const { webhooks } = options.config === undefined ? {} : await readGateConfiguration(options.config);
    const definitions = webhooks === undefined ? [] : await loadGuards(webhooks.paths);
    const explanation = await explainRemoval(client, pod, {
      verb: options.eviction === true ? 'eviction' : 'DELETE',
      user: { username: options.as ?? 'somebody', groups: [...(options.asGroup ?? [])] },
      definitions,
    });
    print(options, explanation, () => formatExplanation(explanation));
    return explanation.outcome === 'allowed' ? exitCode.done : exitCode.refused;
  });
}

async function withCluster(
  { kubeconfig, context, namespace }: GuardOptions,
  act: (client: KubeClient, namespace: string) => Promise<ExitCode>,
): Promise<ExitCode> {
  const config = await loadClusterConfig({ environment: process.env, kubeconfig, context });
  const client = new KubeClient(config, { userAgent: 'sallyport-guard' });
  try {
    return await act(client, namespace ?? config.namespace);
  } finally {
    client.close();
  }
}

/** `target` is a name, or namespace/name. */
async function withPod(
  target: string,
  options: GuardOptions,
  act: (client: KubeClient, pod: Pod) => Promise<ExitCode>,
): Promise<ExitCode> {
  return withCluster(options, async (client, defaultNamespace) => {
    const slash = target.indexOf('/');
    const name = target.slice(slash + 1);
    const namespace = slash === -1 ? defaultNamespace : target.slice(0, slash);
    const pod = await readGuardedPod(client, { namespace, name });
    if (pod !== undefined) return act(client, pod);
    process.stderr.write(`there is no Pod ${name} in namespace ${namespace}\n`);
    return exitCode.refused;
  });
}

function print({ output }: GuardOptions, value: object, text: () => string): void {
  process.stdout.write(output === 'json' ? `${JSON.stringify(value)}\n` : text());
}
