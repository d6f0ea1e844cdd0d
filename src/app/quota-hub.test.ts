import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Quantity } from '../api/quantity.ts';
import type { KeyPair } from '../certs/index.ts';
import { Ledger, ledgerStoreFor, type QuotaTerms } from '../quota/index.ts';
import { silentLogger, systemClock } from '../telemetry/index.ts';
import { prometheusMetrics } from '../telemetry/prometheus-metrics.ts';
import { clientCertificate } from '../../test/client-certificate.ts';
import { FakeClock } from '../../test/fake-clock.ts';
import { RawHttpClient, testAuthority, testCertificate } from '../../test/loopback-server.ts';
import { InvalidConfigurationError } from './errors.ts';
import { QuotaHub } from './quota-hub.ts';
import { readQuotaHubConfiguration, type QuotaHubConfiguration } from './quota-hub-configuration.ts';
import { openQuotaMember } from './quota-member.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-hub-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const hubYaml = `
apiVersion: config.sallyport.dev/v1alpha1
kind: QuotaHubConfiguration
server: { host: 127.0.0.1, port: 0, healthPort: 0 }
certificates: hub
clientAuthority: clients.crt
objects: { mode: Folder, directory: quotas }
store: { mode: SQLite, path: hub.db }
`;

const quotaYaml = `
apiVersion: quota.sallyport.dev/v1alpha1
kind: GlobalQuota
metadata: { name: team-a }
spec:
  hard: { requests.cpu: "10" }
`;

async function writeFiles(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

/** Of a hub with the quota of team-a, whose files it writes. */
async function hubConfiguration(authority: KeyPair, clients: KeyPair): Promise<QuotaHubConfiguration> {
  const serving = await testCertificate(authority);
  await writeFiles({
    'hub.yaml': hubYaml,
    'hub/tls.crt': serving.certificatePem,
    'hub/tls.key': serving.privateKeyPem,
    'clients.crt': clients.certificatePem,
    'quotas/team-a.yaml': quotaYaml,
  });
  return readQuotaHubConfiguration(join(folder, 'hub.yaml'));
}

describe('sallyport quota hub', () => {
  it('grants slices of the quotas in its folder to members, by their configurations', async () => {
    const [authority, clients] = [await testAuthority(), await testAuthority()];
    const configuration = await hubConfiguration(authority, clients);
    const { cert, key } = await clientCertificate(clients, 'eu-1');
    await writeFiles({
      'eu-1/tls.crt': cert,
      'eu-1/tls.key': key,
      'eu-1/ca.crt': authority.certificatePem,
    });
    const hub = new QuotaHub({ configuration, metrics: prometheusMetrics(), log: silentLogger, clock: systemClock });
    const { port } = await hub.start();
    const ledger = new Ledger({ store: await ledgerStoreFor({ mode: 'SQLite', path: join(folder, 'eu-1.db') }) });
    await ledger.start();
    const { member, close } = await openQuotaMember({
      store: {
        mode: 'Hub',
        path: join(folder, 'eu-1.db'),
        url: `https://localhost:${port}`,
        credentials: join(folder, 'eu-1'),
        onLeaseEnd: 'Spend',
      },
      ledger,
      clusterId: 'id-of-eu-1',
      clock: systemClock,
      log: silentLogger,
    });
    try {
      const cpu = (amount: number) => new Map([['requests.cpu', Quantity.of(BigInt(amount))]]);
      const terms: QuotaTerms = { id: 'team-a', name: 'team-a', generation: 0, hard: cpu(10), mode: 'enforce' };
      await member.setTerms(terms);
      member.start();
      const create = (uid: string, amount: number) =>
        member.reserve({
          key: { cluster: 'id-of-eu-1', resource: 'pods', uid },
          namespace: 'shop',
          name: uid,
          attempt: uid,
          usage: cpu(amount),
          quotas: ['team-a'],
          dryRun: false,
        });
      expect(await create('a', 7)).toMatchObject({ allowed: true });
      expect(await create('b', 4)).toMatchObject({ allowed: false, refusals: [{ cause: 'hard', name: 'team-a' }] });
      expect(await create('c', 3)).toMatchObject({ allowed: true });
      await rm(join(folder, 'quotas/team-a.yaml'));
      await expect
        .poll(() => create('d', 4))
        .toMatchObject({ allowed: false, refusals: [{ cause: 'hub-unreachable' }] });
    } finally {
      await close();
      await ledger.stop();
      await hub.stop();
    }
  });

  it('takes members of the authorities that its file holds now', async () => {
    const [authority, former, next] = await Promise.all([testAuthority(), testAuthority(), testAuthority()]);
    const configuration = await hubConfiguration(authority, former);
    const clock = new FakeClock();
    clock.advance(Date.now());
    const hub = new QuotaHub({ configuration, metrics: prometheusMetrics(), log: silentLogger, clock });
    const { port } = await hub.start();
    const statusFor = async (issuer: KeyPair): Promise<number | undefined> => {
      const own = await clientCertificate(issuer, 'eu-1');
      const ca = authority.certificatePem;
      using client = await RawHttpClient.connect({ host: '127.0.0.1', port, ca, ALPNProtocols: ['http/1.1'], ...own });
      client.post('/quota/v1/sync', 'no question');
      return (await client.answer())?.httpStatus;
    };
    const statuses = async () => [await statusFor(former), await statusFor(next)];
    try {
      expect(await statuses()).toEqual([400, 401]);
      await writeFiles({ 'clients.crt': next.certificatePem });
      clock.advance(60_000);
      await expect.poll(statuses).toEqual([401, 400]);
    } finally {
      await hub.stop();
    }
  });

  it('ends every part of it, whatever becomes of another', async () => {
    const authority = await testAuthority();
    const configuration = await hubConfiguration(authority, authority);
    // The server's last word, said when all its connections are over.
    const info = (message: string): void => {
      if (message === 'stopped') throw new Error('the log is full');
    };
    const clock = new FakeClock();
    clock.advance(Date.now());
    const metrics = prometheusMetrics();
    const hub = new QuotaHub({ configuration, metrics, log: { ...silentLogger, info }, clock });
    await hub.start();
    await expect(hub.stop()).rejects.toThrow('the log is full');
    // Left is the deadline of the server, for which nobody waits any more.
    expect(clock.delays).toEqual([2_000]);
  });

  it.each([
    [
      'an unknown key',
      hubYaml.replace('clientAuthority', 'clientAuthorty'),
      /hub\.yaml:6: .*did you mean "clientAuthority"/,
    ],
    ['no store', hubYaml.replace(/store:.*/, ''), /store/],
    [
      'objects of a cluster missing',
      hubYaml.replace(/store:.*/, 'store: { mode: Kubernetes, namespace: quota }'),
      /needs objects\.mode/,
    ],
  ])('refuses a configuration with %s', async (_, text, message) => {
    await writeFiles({ 'hub.yaml': text });
    const reading = readQuotaHubConfiguration(join(folder, 'hub.yaml'));
    await expect(reading).rejects.toThrow(InvalidConfigurationError);
    await expect(reading).rejects.toThrow(message);
  });
});
