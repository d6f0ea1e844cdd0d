import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { GuardDefinition } from 'sallyport';

/** A group as its gateway shows it: only the leader hands over, and nobody removes the leader. */
class RaftGroup {
  members = ['etcd-0', 'etcd-1', 'etcd-2'].map((name, index) => ({
    ID: String(index + 1),
    name,
    peerURLs: [`http://${name}.etcd:2380`],
    clientURLs: [] as string[],
  }));
  leader = '1';
  readonly calls: string[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      void json(request).then((body) => {
        const call = (request.url ?? '').replace('/v3/', '');
        this.calls.push(call);
        const answer = this.#answer(call, body as Readonly<Record<string, unknown>>);
        response.writeHead(typeof answer === 'string' ? 400 : 200).end(JSON.stringify(answer));
      });
    });
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    for (const member of this.members) member.clientURLs.push(url);
    return url;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** A text is an error. */
  #answer(call: string, body: Readonly<Record<string, unknown>>): object | string {
    switch (call) {
      case 'cluster/member/list':
        return { members: this.members };
      case 'maintenance/status':
        return { leader: this.leader };
      case 'maintenance/transfer-leadership':
        this.leader = String(body['targetID']);
        return {};
      case 'cluster/member/remove':
        if (body['ID'] === this.leader) return 'the leader would leave the group without one';
        this.members = this.members.filter(({ ID }) => ID !== body['ID']);
        return {};
      case 'cluster/member/add': {
        const peerURLs = body['peerURLs'] as string[];
        const name = /^http:\/\/([^.]+)/.exec(peerURLs[0] ?? '')?.[1] ?? '';
        this.members.push({ ID: '9', name, peerURLs, clientURLs: [] });
        return {};
      }
      default:
        return `unknown: ${call}`;
    }
  }
}

let group: RaftGroup;
let guard: GuardDefinition;
beforeEach(async () => {
  group = new RaftGroup();
  vi.stubEnv('ETCD_ENDPOINT', await group.start());
  vi.resetModules();
  guard = (await import('./etcd-member.ts')).etcdMember;
});
afterEach(() => {
  vi.unstubAllEnvs();
  group.stop();
});

const call = (name: string) => ({
  pod: { metadata: { namespace: 'etcd', name, uid: name, labels: { app: 'etcd' } } },
  guard: 'etcd-member',
  attempt: 1,
  idempotencyKey: `${name}/1`,
  deadline: Date.UTC(2026, 0, 1),
  requester: 'alice',
  verb: 'DELETE' as const,
  signal: new AbortController().signal,
});
const names = (): string[] => group.members.map(({ name }) => name);

it('the leader hands over and leaves; once gone, a second start does nothing', async () => {
  const leaving = call('etcd-0');
  expect(guard.match(leaving.pod)).toBe(true);
  expect(await guard.hook.status(leaving)).toEqual({ phase: 'Unknown' });
  await guard.hook.start(leaving);
  expect(await guard.hook.status(leaving)).toEqual({ phase: 'Done' });
  expect([group.leader, names()]).toEqual(['2', ['etcd-1', 'etcd-2']]);
  await guard.hook.start(leaving);
  expect(names()).toEqual(['etcd-1', 'etcd-2']);
});

it('a follower leaves without an election', async () => {
  await guard.hook.start(call('etcd-2'));
  expect([group.leader, names()]).toEqual(['1', ['etcd-0', 'etcd-1']]);
  expect(group.calls).not.toContain('maintenance/transfer-leadership');
});

it('undoing takes the member in again, once', async () => {
  await guard.hook.start(call('etcd-1'));
  await guard.hook.undo(call('etcd-1'));
  await guard.hook.undo(call('etcd-1'));
  expect(names()).toEqual(['etcd-0', 'etcd-2', 'etcd-1']);
  expect(await guard.hook.status(call('etcd-1'))).toEqual({ phase: 'Unknown' });
});

it('the last member stays', async () => {
  group.members = group.members.slice(0, 1);
  await expect(guard.hook.start(call('etcd-0'))).rejects.toThrow('the last member cannot leave');
});
