import type { Explanation, GuardedPodView } from '../guard/index.ts';
import { table } from './table.ts';

/** A table; `now` is milliseconds since the epoch. */
export function formatGuardedPods(pods: readonly GuardedPodView[], now: number): string {
  if (pods.length === 0) return 'No guarded Pod is leaving.\n';
  const rows = pods.map((view) => [
    view.namespace,
    view.pod,
    phaseOf(view),
    age(view.since, now),
    remaining(view.deadline, now),
    view.requester ?? '-',
    view.verb ?? '-',
    String(view.attempt),
    view.guard ?? '-',
  ]);
  return table([['NAMESPACE', 'POD', 'PHASE', 'SINCE', 'DEADLINE', 'REQUESTER', 'VERB', 'ATTEMPT', 'GUARD'], ...rows]);
}

/** One Pod with what a person can do about it. */
export function formatGuardedPod(view: GuardedPodView, now: number): string {
  const { namespace, pod, phase } = view;
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['Pod', `${namespace}/${pod} (${view.uid})`],
    ['Node', view.node],
    ['Guard', view.guard],
    ['Phase', phaseOf(view)],
    ['Since', at(view.since, now)],
    ['Deadline', at(view.deadline, now)],
    ['Attempt', view.attempt === 0 ? undefined : String(view.attempt)],
    ['Failures', view.failures === 0 ? undefined : String(view.failures)],
    [
      'Requester',
      view.requester === undefined ? undefined : `${view.requester} (${view.requesterClass}, ${view.verb})`,
    ],
    ['Last asked', at(view.lastAttempt, now)],
    ['Replica', view.owner],
    ['Bypass', view.bypass],
    ['Message', view.message],
  ];
  const facts = lines
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${`${name}:`.padEnd(12)}${value}`);
  const commands = [
    ...(phase === 'Free' || phase === 'Leaving' || phase === 'Aborted' || phase === 'Aborting'
      ? []
      : [`sallyport guard abort -n ${namespace} ${pod}      the clean-up is undone and the Pod stays`]),
    ...(phase === 'Waiting' || phase === 'Cleaning' || phase === 'Retrying' || phase === 'Held'
      ? [
          `sallyport guard release -n ${namespace} ${pod}    it may leave without its clean-up`,
          `sallyport guard bypass -n ${namespace} ${pod} --reason TEXT    the same, also while no gate answers`,
        ]
      : []),
  ];
  const events = `kubectl get events -n ${namespace} --field-selector involvedObject.name=${pod}    what happened`;
  return `${[...facts, '', ...commands, events].join('\n')}\n`;
}

export function formatExplanation({ steps, outcome, reason }: Explanation): string {
  const width = Math.max(...steps.map(({ question }) => question.length));
  const lines = steps.map(({ question, answer }) => `${question.padEnd(width)}  ${answer}`);
  return `${[...lines, '', `${outcome}: ${reason}`].join('\n')}\n`;
}

function phaseOf({ phase, releaseCause, abortCause }: GuardedPodView): string {
  if (phase === 'Released' && releaseCause !== 'Clean') return `${phase} (${releaseCause})`;
  return phase === 'Aborting' || phase === 'Aborted' ? `${phase} (${abortCause})` : phase;
}

function at(time: string | undefined, now: number): string | undefined {
  if (time === undefined) return undefined;
  const ahead = Date.parse(time) - now;
  return `${time} (${ahead > 0 ? `in ${duration(ahead)}` : `${duration(-ahead)} ago`})`;
}

function age(time: string | undefined, now: number): string {
  return time === undefined ? '-' : duration(now - Date.parse(time));
}

function remaining(time: string | undefined, now: number): string {
  if (time === undefined) return '-';
  const ahead = Date.parse(time) - now;
  return ahead > 0 ? `in ${duration(ahead)}` : 'passed';
}

/** As kubectl's ages: `7s`, `3m20s`, `5h`. */
function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  return minutes < 180 ? `${minutes}m` : `${Math.floor(minutes / 60)}h`;
}
