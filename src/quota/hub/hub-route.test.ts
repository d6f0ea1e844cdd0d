import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { KeyPair } from '../../certs/index.ts';
import { Quantity } from '../../api/quantity.ts';
import { systemClock } from '../../telemetry/index.ts';
import { clientCertificate } from '../../../test/client-certificate.ts';
import { RecordingLogger, serve, testAuthority, type LoopbackServer } from '../../../test/loopback-server.ts';
import { Ledger, MemoryLedgerStore, type QuotaTerms, type Verdict } from '../ledger/index.ts';
import { HttpsHubConnection, Member } from '../slices/index.ts';
import { Hub, hubRoute } from './index.ts';

let authority: KeyPair;
let clientAuthority: KeyPair;
beforeAll(async () => {
  authority = await testAuthority();
  clientAuthority = await testAuthority();
});

const cpu = (amount: number) => new Map([['cpu', Quantity.of(BigInt(amount))]]);
const terms: QuotaTerms = { id: 'q', name: 'team-a', generation: 1, hard: cpu(10), mode: 'enforce' };

async function serveHub(): Promise<{ readonly hub: Hub; readonly server: LoopbackServer }> {
  const ledger = new Ledger({ store: new MemoryLedgerStore() });
  const hub = new Hub({ ledger, clock: systemClock, uniqueName: randomUUID, recallMilliseconds: 10_000 });
  await hub.setTerms(terms);
  const server = await serve(authority, [], {
    clientCertificates: { ca: clientAuthority.certificatePem },
    routes: [hubRoute(hub, new RecordingLogger())],
    shutdown: { quietPeriodMilliseconds: 0, hardDeadlineMilliseconds: 100 },
  });
  return { hub, server };
}

/** A member that runs until the end of the scope. */
async function join(server: LoopbackServer, name: string) {
  const { cert, key } = await clientCertificate(clientAuthority, name);
  const credentials = { ca: server.ca, certificatePem: cert, privateKeyPem: key };
  const connection = new HttpsHubConnection({
    url: `https://localhost:${server.port}`,
    credentials: () => credentials,
  });
  const ledger = new Ledger({ store: new MemoryLedgerStore() });
  const cluster = `id-of-${name}`;
  const askMilliseconds = 20_000;
  const member = new Member({
    ledger,
    hub: connection,
    cluster,
    clock: systemClock,
    uniqueName: randomUUID,
    askMilliseconds,
  });
  await member.setTerms(terms);
  member.start();
  const create = (uid: string, amount: number): Promise<Verdict> =>
    member.reserve({
      key: { cluster, resource: 'pods', uid },
      namespace: 'shop',
      name: uid,
      attempt: uid,
      usage: cpu(amount),
      quotas: ['q'],
      dryRun: false,
    });
  const remove = (uid: string) =>
    ledger.observe([{ type: 'gone', key: { cluster, resource: 'pods', uid }, namespace: 'shop' }]);
  const end = async (): Promise<void> => {
    await member.stop();
    await connection.close();
  };
  return { create, remove, connection, [Symbol.asyncDispose]: end };
}

describe('hubRoute() and HttpsHubConnection', () => {
  it('carry grants, recalls and refusals over mutual TLS', async () => {
    const { server } = await serveHub();
    await using _server = server;
    await using one = await join(server, 'eu-1');
    await using two = await join(server, 'us-1');
    expect((await one.create('a', 8)).allowed).toBe(true);
    await one.remove('a');
    expect((await two.create('b', 9)).allowed).toBe(true);
    const verdict = await one.create('c', 2);
    expect(verdict.refusals).toMatchObject([{ cause: 'hard', name: 'team-a' }]);
    expect(verdict.refusals[0]?.used.get('cpu')?.toString()).toBe('9');
  });

  it('let a cluster speak only for itself', async () => {
    const { server } = await serveHub();
    await using _server = server;
    await using one = await join(server, 'eu-1');
    await one.create('a', 1);
    await using impostor = await join(server, 'us-1');
    await impostor.create('b', 1);
    const request = { cluster: 'id-of-eu-1', reports: [], needs: [], recall: null };
    await expect(impostor.connection.sync(request, new AbortController().signal)).rejects.toThrow(
      /answered 409: .*is registered as eu-1/,
    );
  });

  it('hear nobody without a certificate of the authority', async () => {
    const { server } = await serveHub();
    await using _server = server;
    const { cert, key } = await clientCertificate(authority, 'eu-1');
    const stranger = new HttpsHubConnection({
      url: `https://localhost:${server.port}`,
      credentials: () => ({ ca: server.ca, certificatePem: cert, privateKeyPem: key }),
    });
    const request = { cluster: 'id-of-eu-1', reports: [], needs: [], recall: null };
    await expect(stranger.sync(request, new AbortController().signal)).rejects.toThrow(/answered 401/);
    await stranger.close();
  });

  it.each([
    ['no JSON', '{', 400],
    ['another shape', '{"cluster":1}', 400],
    [
      'a negative amount',
      '{"cluster":"x","reports":[],"needs":[{"amounts":{"q":{"cpu":"-1"}},"dryRun":false}],"recall":null}',
      400,
    ],
  ])('refuse %s', async (_, body, status) => {
    const { server } = await serveHub();
    await using _server = server;
    using client = await server.connect(await clientCertificate(clientAuthority, 'eu-1'));
    client.post('/quota/v1/sync', body);
    expect(await client.answer()).toMatchObject({ httpStatus: status });
  });
});
