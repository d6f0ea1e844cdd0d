import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Hub } from '../src/quota/hub/index.ts';
import { Ledger, ledgerStoreFor, type AuditEntry } from '../src/quota/ledger/index.ts';
import { systemClock } from '../src/telemetry/index.ts';
import { FakeApiServer, sendJson } from './fake-api-server.ts';
import { list, present, quotaTerms, reservation } from './quota-builders.ts';

/*
 * `sallyport quota …` as an operator has it: a process of its own beside a ledger in SQLite, in which a cluster `eu-1` uses
 * two Pods, one of them large, and has reserved a third; and `us-1` uses one, of the same name as one of eu-1.
 */

let folder: string;
let config: string;
let kubeconfig: string;

const pod = (cluster: string, uid: string, name: string, pods: string) =>
  reservation(uid, ['team'], {
    key: { cluster, resource: 'pods', uid },
    name,
    usage: list({ pods, 'requests.cpu': pods }),
  });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-quota-cli-'));
  config = join(folder, 'gate.yaml');
  kubeconfig = join(folder, 'kubeconfig');
  mkdirSync(join(folder, 'quotas'));
  writeFileSync(
    config,
    `apiVersion: config.sallyport.dev/v1alpha1
kind: GateConfiguration
registration: { url: "https://127.0.0.1:8443" }
quota:
  cluster: eu-1
  objects: { mode: Folder, directory: quotas }
  store: { mode: SQLite, path: quota.db }
`,
  );
  await withLedger(async (ledger) => {
    await ledger.setTerms(quotaTerms('team', { pods: '20', 'requests.cpu': '20' }));
    await ledger.registerCluster({ id: 'id-of-eu-1', name: 'eu-1' });
    await ledger.registerCluster({ id: 'id-of-us-1', name: 'us-1' });
    const stored = [
      pod('id-of-eu-1', 'uid-1', 'web-0', '1'),
      pod('id-of-eu-1', 'uid-2', 'big', '5'),
      pod('id-of-us-1', 'uid-3', 'web-0', '1'),
    ];
    await ledger.observe(stored.map((each) => present(each, 7n)));
    await ledger.reserve(pod('id-of-eu-1', 'uid-4', 'asked', '2'));
  });
});
afterEach(() => rmSync(folder, { recursive: true }));

async function withLedger<T>(work: (ledger: Ledger) => Promise<T>): Promise<T> {
  const ledger = new Ledger({ store: await ledgerStoreFor({ mode: 'SQLite', path: join(folder, 'quota.db') }) });
  await ledger.start();
  try {
    return await work(ledger);
  } finally {
    await ledger.stop();
  }
}

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const quota = (...args: readonly string[]): Promise<Ended> => quotaAt(config, ...args);

function quotaAt(file: string, ...args: readonly string[]): Promise<Ended> {
  const command = ['--conditions=sallyport-source', resolve(import.meta.dirname, '../src/cli/main.ts'), 'quota'];
  const environment = { ...process.env, NO_COLOR: '1', KUBECONFIG: kubeconfig };
  return new Promise((done) => {
    execFile(process.execPath, [...command, ...args, '--config', file], { env: environment }, (error, stdout, stderr) =>
      done({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });
}

const audit = (): Promise<AuditEntry[]> => withLedger((ledger) => ledger.audit());

/** Used and reserved Pods of the quota, by cluster. */
function charged(): Promise<Record<string, string>> {
  return withLedger(async (ledger) => {
    const standing = await ledger.standing('team');
    return Object.fromEntries(
      [...(standing?.byCluster ?? [])].map(([id, { used, reserved }]) => {
        const [u, r] = [used, reserved].map((each) => String(each.get('pods') ?? 0));
        return [id, `${u}+${r}`];
      }),
    );
  });
}

describe('sallyport quota who', () => {
  it('lists objects of all clusters, the largest first, with what is only reserved', async () => {
    const { code, stdout } = await quota('who', 'team');
    expect(code).toBe(0);
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['CLUSTER', 'NAMESPACE', 'OBJECT', 'STATE', 'pods', 'requests.cpu'],
      ['eu-1', 'shop', 'pods/big', 'discovered', '5', '5'],
      ['eu-1', 'shop', 'pods/asked', 'reserved', '2', '2'],
      ['eu-1', 'shop', 'pods/web-0', 'discovered', '1', '1'],
      ['us-1', 'shop', 'pods/web-0', 'discovered', '1', '1'],
      [''],
    ]);
  });

  it('-o json has uids, and used and reserved apart', async () => {
    const { code, stdout } = await quota('who', 'team', '-o', 'json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toContainEqual({
      cluster: 'eu-1',
      resource: 'pods',
      namespace: 'shop',
      name: 'asked',
      uid: 'uid-4',
      state: 'reserved',
      used: {},
      reserved: { pods: '2', 'requests.cpu': '2' },
    });
  });

  it('names what there is when the quota is unknown', async () => {
    expect(await quota('who', 'taem')).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('the ledger knows no quota "taem"; it knows team') as string,
    });
  });
});

describe('sallyport quota release', () => {
  it('frees one object by uid, and notes who and why', async () => {
    const { code, stdout } = await quota('release', 'uid-2', '--reason', 'node lost', '--by', 'jane');
    expect([code, stdout]).toEqual([0, 'released 1 charge of uid-2\n']);
    expect(await charged()).toEqual({ 'id-of-eu-1': '1+2', 'id-of-us-1': '1+0' });
    expect(await audit()).toContainEqual(
      expect.objectContaining({
        kind: 'release',
        facts: expect.objectContaining({ by: 'jane', reason: 'node lost' }) as unknown,
      }),
    );
  });

  it('frees by resource, namespace and name: in every cluster, or in one', async () => {
    const one = await quota('release', 'pods/shop/web-0', '--reason', 'gone', '--cluster', 'us-1', '-o', 'json');
    expect([one.code, JSON.parse(one.stdout)]).toEqual([0, { released: 1 }]);
    expect(await charged()).toMatchObject({ 'id-of-eu-1': '6+2' });
    const all = await quota('release', 'pods/shop/web-0', '--reason', 'gone');
    expect([all.code, all.stdout]).toEqual([0, 'released 1 charge of pods/shop/web-0\n']);
    expect(await charged()).toMatchObject({ 'id-of-eu-1': '5+2' });
    const [entry] = (await audit()).filter(({ facts }) => facts['reason'] === 'gone');
    expect(entry?.facts['by']).toBe(userInfo().username);
  });

  it('frees what is only reserved', async () => {
    expect((await quota('release', 'pods/shop/asked', '--reason', 'gone')).code).toBe(0);
    expect(await charged()).toMatchObject({ 'id-of-eu-1': '6+0' });
  });

  it.each(['uid-9', 'pods/shop/web-9', 'services/shop/web-0', 'pods/web/web-0', 'web-0'])(
    'refuses %s, which nothing is charged for',
    async (object) => {
      const { code, stdout } = await quota('release', object, '--reason', 'gone');
      expect([code, stdout]).toEqual([1, `released 0 charges of ${object}\n`]);
      expect(await charged()).toEqual({ 'id-of-eu-1': '6+2', 'id-of-us-1': '1+0' });
    },
  );

  it('wants a reason, and a cluster that there is', async () => {
    const unreasoned = await quota('release', 'uid-2');
    expect([unreasoned.code, unreasoned.stderr]).toEqual([2, expect.stringContaining('--reason')]);
    const elsewhere = await quota('release', 'uid-2', '--reason', 'gone', '--cluster', 'eu-9');
    expect([elsewhere.code, elsewhere.stderr]).toEqual([
      2,
      expect.stringContaining('the ledger knows no cluster "eu-9"; it knows eu-1, us-1'),
    ]);
    expect(await charged()).toEqual({ 'id-of-eu-1': '6+2', 'id-of-us-1': '1+0' });
  });
});

describe('sallyport quota clusters', () => {
  it('lists them', async () => {
    const { code, stdout } = await quota('clusters', '-o', 'json');
    expect([code, JSON.parse(stdout)]).toEqual([
      0,
      [
        { id: 'id-of-eu-1', name: 'eu-1' },
        { id: 'id-of-us-1', name: 'us-1' },
      ],
    ]);
  });

  it('rename keeps what is charged, and notes it', async () => {
    const { code, stdout } = await quota('clusters', 'rename', 'eu-1', 'eu-west-1', '--by', 'jane');
    expect([code, stdout]).toEqual([0, 'cluster eu-1 is eu-west-1 from now on\n']);
    expect((await quota('clusters')).stdout).toMatch(/^eu-west-1 +id-of-eu-1$/m);
    expect(await charged()).toEqual({ 'id-of-eu-1': '6+2', 'id-of-us-1': '1+0' });
    expect(await audit()).toContainEqual(
      expect.objectContaining({
        kind: 'rename-cluster',
        facts: expect.objectContaining({ by: 'jane' }) as unknown,
      }),
    );
  });

  it.each([
    ['one that is unknown', ['eu-9', 'eu-2'], /the ledger knows no cluster "eu-9"; it knows eu-1, us-1/],
    ['to a name that is taken', ['eu-1', 'us-1'], /us-1/],
    ['to a name that no gate can have', ['eu-1', 'EU 1'], /expected a DNS label such as "eu-1"/],
  ])('rename refuses %s', async (_what, names, message) => {
    const { code, stderr } = await quota('clusters', 'rename', ...names);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
    expect((await quota('clusters')).stdout).toMatch(/^eu-1 +id-of-eu-1\nus-1 +id-of-us-1$/m);
  });

  it('forget frees all of a cluster and its name, and notes it', async () => {
    const { code, stdout } = await quota('clusters', 'forget', 'eu-1', '--reason', 'torn down', '-o', 'json');
    expect([code, JSON.parse(stdout)]).toEqual([0, { released: 3 }]);
    expect(await charged()).toEqual({ 'id-of-us-1': '1+0' });
    expect((await quota('clusters')).stdout).not.toContain('eu-1');
    expect(await audit()).toContainEqual(
      expect.objectContaining({
        kind: 'forget-cluster',
        facts: expect.objectContaining({ reason: 'torn down' }) as unknown,
      }),
    );
  });

  it('forget wants a reason, and a cluster that there is', async () => {
    expect((await quota('clusters', 'forget', 'eu-1')).code).toBe(2);
    expect((await quota('clusters', 'forget', 'eu-9', '--reason', 'gone')).code).toBe(2);
    expect(await charged()).toEqual({ 'id-of-eu-1': '6+2', 'id-of-us-1': '1+0' });
  });
});

describe('sallyport quota recount', () => {
  let api: FakeApiServer;
  beforeEach(async () => {
    api = new FakeApiServer();
    api.intercept = ({ path, query }, response) => {
      const isWatch = query.get('watch') === 'true';
      if (path === '/api/v1/namespaces/kube-system') sendJson(response, 200, { metadata: { uid: 'id-of-eu-1' } });
      else if (path === '/api/v1/namespaces' && isWatch) response.writeHead(200).flushHeaders();
      else if (path === '/api/v1/namespaces')
        sendJson(response, 200, { metadata: { resourceVersion: '9' }, items: [] });
      else return false;
      return true;
    };
    await api.start();
    const cluster = { name: 'c', cluster: { server: api.clusterConfig().server.origin } };
    const context = { name: 'c', context: { cluster: 'c', user: 'c' } };
    const parts = { clusters: [cluster], contexts: [context], users: [{ name: 'c', user: {} }] };
    writeFileSync(kubeconfig, JSON.stringify({ apiVersion: 'v1', kind: 'Config', 'current-context': 'c', ...parts }));
    const quotaText = `apiVersion: quota.sallyport.dev/v1alpha1
kind: GlobalQuota
metadata: { name: maps }
spec: { hard: { count/configmaps: 10 } }
`;
    writeFileSync(join(folder, 'quotas/maps.yaml'), quotaText);
  });
  afterEach(() => api.stop());

  it('finds what is there and not charged, and what is charged and gone', async () => {
    await withLedger(async (ledger) => {
      await ledger.setTerms(quotaTerms('maps', { 'count/configmaps': '10' }, { generation: 0 }));
      const gone = reservation('uid-gone', ['maps'], {
        key: { cluster: 'id-of-eu-1', resource: 'configmaps', uid: 'uid-gone' },
        usage: list({ 'count/configmaps': '1' }),
      });
      await ledger.observe([present(gone, 7n)]);
    });
    for (const name of ['one', 'two']) api.put(name, { namespace: 'shop' });
    const first = await quota('recount', '-o', 'json');
    expect([first.stderr, first.code]).toEqual(['', 0]);
    expect(JSON.parse(first.stdout)).toEqual({
      gone: 1,
      discovered: 2,
      changed: 0,
      confirmed: 0,
      released: 0,
      uncountable: 0,
    });
    const again = await quota('recount');
    expect([again.code, again.stdout]).toEqual([
      0,
      '0 charged and gone, 0 there and not charged, 0 charged for something else, ' +
        '0 reserved and found, 0 reserved and never stored: mended\n',
    ]);
    // The other cluster is not this one's to judge.
    expect(await charged()).toMatchObject({ 'id-of-us-1': '1+0' });
  });

  it('says so when the cluster cannot be reached', async () => {
    await api.stop();
    const { code, stdout, stderr } = await quota('recount');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).not.toBe('');
  });
});

it('quota show tells who holds the slices, and clusters forget writes them off, with the configuration of the hub', async () => {
  const hubConfig = join(folder, 'hub.yaml');
  writeFileSync(
    hubConfig,
    `apiVersion: config.sallyport.dev/v1alpha1
kind: QuotaHubConfiguration
certificates: hub
clientAuthority: clients.crt
objects: { mode: Folder, directory: quotas }
store: { mode: SQLite, path: hub.db }
`,
  );
  const atHub = async <T>(work: (hub: Hub) => Promise<T>): Promise<T> => {
    const ledger = new Ledger({ store: await ledgerStoreFor({ mode: 'SQLite', path: join(folder, 'hub.db') }) });
    await ledger.start();
    const hub = new Hub({ ledger, clock: systemClock, uniqueName: randomUUID, leaseMilliseconds: 60_000 });
    try {
      return await work(hub);
    } finally {
      await ledger.stop();
    }
  };
  await atHub(async (hub) => {
    await hub.setTerms(quotaTerms('team', { pods: '10' }));
    const rights = { epoch: 0, granted: new Map(), returned: new Map() };
    const report = { quota: 'team', journal: 'first', rights, spent: new Map() };
    const need = { amounts: { team: new Map([['pods', 8_000_000_000n]]) }, dryRun: false };
    const { fits } = await hub.sync('eu-1', { cluster: 'id-of-eu-1', reports: [report], needs: [need], recall: null });
    expect(fits).toEqual(['fits']);
  });
  const shown = await quotaAt(hubConfig, 'show', 'team');
  expect([shown.code, shown.stdout.split('\n').map((line) => line.trim())]).toEqual([
    0,
    [
      'team, as the hub shares it out',
      '',
      'RESOURCE  HARD  FREE',
      'pods      10    2',
      '',
      'HELD BY  pods',
      'eu-1     8',
      '',
    ],
  ]);
  const { clusters } = JSON.parse((await quotaAt(hubConfig, 'show', 'team', '-o', 'json')).stdout) as {
    clusters: unknown;
  };
  expect(clusters).toEqual([{ name: 'eu-1', held: { pods: '8' }, heldByLostJournals: { pods: '0' } }]);
  expect((await quotaAt(hubConfig, 'show', 'other')).code).toBe(2);
  const { code, stdout } = await quotaAt(hubConfig, 'clusters', 'forget', 'eu-1', '--reason', 'torn down');
  expect([code, stdout]).toEqual([0, 'forgot cluster eu-1 and wrote off what it held\n']);
  const [shares] = await atHub((hub) => hub.shares());
  expect(shares?.pool.get('pods')).toBe(10_000_000_000n);
});
