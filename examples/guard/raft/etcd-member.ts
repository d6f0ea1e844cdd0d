import { defineGuard } from 'sallyport';

/** Any member answers for the group; the Service in front of them. */
const group = process.env['ETCD_ENDPOINT'] ?? 'http://etcd-client:2379';

interface Member {
  readonly ID: string;
  readonly name: string;
  readonly peerURLs: readonly string[];
  readonly clientURLs: readonly string[];
}

/**
 * A member leaves its group before its Pod leaves the cluster: the leader hands over first, since a group that loses its
 * leader stands still until the next election; then the member is removed, so that it does not count for the quorum.
 *
 * Source of the calls: etcd v3.6 api/etcdserverpb/rpc.proto, the JSON gateway. Numbers of 64 bits are texts there.
 */
export const etcdMember = defineGuard({
  name: 'etcd-member',
  match: ({ metadata }) => metadata?.labels?.['app'] === 'etcd',
  // A member that cannot leave would cost the group its quorum: a person decides.
  onDeadline: 'Hold',
  async start({ pod, signal }) {
    const members = await listMembers(signal);
    const leaving = members.find(({ name }) => name === pod.metadata?.name);
    if (leaving === undefined) return;
    const { leader } = await ask<{ leader: string }>(group, 'maintenance/status', {}, signal);
    if (leader === leaving.ID) {
      const successor = members.find(({ ID }) => ID !== leaving.ID);
      if (successor === undefined) throw new Error('the last member cannot leave');
      // Only the leader itself hands over.
      await ask(leaving.clientURLs[0] ?? group, 'maintenance/transfer-leadership', { targetID: successor.ID }, signal);
    }
    await ask(group, 'cluster/member/remove', { ID: leaving.ID }, signal);
  },
  async status({ pod, signal }) {
    const members = await listMembers(signal);
    const isMember = members.some(({ name }) => name === pod.metadata?.name);
    // Whoever is in the group still has to begin, whatever was said before.
    return isMember ? 'Unknown' : 'Done';
  },
  async undo({ pod, signal }) {
    const { name } = pod.metadata ?? {};
    const members = await listMembers(signal);
    if (members.some((member) => member.name === name)) return;
    await ask(group, 'cluster/member/add', { peerURLs: [`http://${name}.etcd:2380`] }, signal);
  },
});

async function listMembers(signal: AbortSignal): Promise<readonly Member[]> {
  return (await ask<{ members: readonly Member[] }>(group, 'cluster/member/list', {}, signal)).members;
}

async function ask<T>(endpoint: string, call: string, body: object, signal: AbortSignal): Promise<T> {
  const response = await fetch(`${endpoint}/v3/${call}`, { method: 'POST', body: JSON.stringify(body), signal });
  const text = await response.text();
  if (!response.ok) throw new Error(`etcd ${call}: ${text}`);
  // The gateway answers what the service's definition says.
  return JSON.parse(text) as T;
}
