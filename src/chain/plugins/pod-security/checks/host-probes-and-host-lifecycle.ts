import type { Check, CheckResult } from '../check.ts';
import { containersOf, type Container, type Handler, type Pod } from '../pod.ts';
import { containersNamed, joinQuote, pluralize, sortedSet } from '../wording.ts';

/**
 * The kubelet must not be made to call other hosts than the Pod.
 *
 * Must be absent or empty: `httpGet.host` and `tcpSocket.host` of the probes and lifecycle handlers of every container.
 *
 * Source: policy/check_hostProbesAndhostLifecycle.go.
 */
export const hostProbesAndHostLifecycle: Check = {
  id: 'hostProbesAndHostLifecycle',
  level: 'baseline',
  versions: [{ minimumVersion: 'v1.34', checkPod }],
};

function checkPod({ spec }: Pod): CheckResult {
  const bad = containersOf(spec).flatMap((container) => {
    const hosts = handlersOf(container).flatMap(hostsOf);
    return hosts.length === 0 ? [] : [{ name: container.name, hosts }];
  });
  if (bad.length === 0) return undefined;
  const names = sortedSet(bad.map(({ name }) => name));
  const uses = pluralize('uses', 'use', names.length);
  const hosts = sortedSet(bad.flatMap((container) => container.hosts));
  const noun = pluralize('probe or lifecycle host', 'probe or lifecycle hosts', hosts.length);
  return {
    reason: 'probe or lifecycle host',
    detail: `${containersNamed(names)} ${uses} ${noun} ${joinQuote(hosts)}`,
  };
}

function handlersOf({ livenessProbe, readinessProbe, startupProbe, lifecycle }: Container): readonly Handler[] {
  const handlers = [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop];
  return handlers.filter((handler) => handler !== undefined);
}

function hostsOf({ httpGet, tcpSocket }: Handler): readonly string[] {
  return [httpGet?.host ?? '', tcpSocket?.host ?? ''].filter((host) => host !== '');
}
