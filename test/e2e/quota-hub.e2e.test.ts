import { isDeepStrictEqual } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clusterIdOf, HttpsHubConnection, HubUnreachableError, type HubCredentials } from '../../src/quota/index.ts';
import { clientCertificate } from '../client-certificate.ts';
import { testAuthority } from '../loopback-server.ts';
import { HubFleet, clusterNames, type Answer, type ClusterName } from '../quota/hub-fleet.ts';
import { LiveObjects } from '../quota/live-objects.ts';
import { until } from './until.ts';

/** Every test has a quota and namespaces of its own, and leaves gates, hub and lines as it found them. */
let fleet: HubFleet;
beforeAll(async () => {
  fleet = await HubFleet.open();
}, 240_000);
afterAll(() => fleet?.close(), 60_000);

const pods = { group: '', version: 'v1', resource: 'pods' };

async function createMany(cluster: ClusterName, namespace: string, count: number): Promise<Answer[]> {
  return Promise.all(Array.from({ length: count }, () => fleet.create(cluster, namespace)));
}

const kinds = (answers: readonly Answer[]): string[] => answers.map(({ kind }) => kind);
const stored = (answers: readonly Answer[]): Answer[] => answers.filter(({ kind }) => kind === 'stored');

async function livingIn(namespace: string): Promise<number> {
  const lists = await Promise.all(clusterNames.map((name) => fleet.podsOf(name, namespace)));
  return lists.flat().length;
}

/** Until the journal of a cluster says that so many Pods are used, and none is reserved. */
async function journalSays(cluster: ClusterName, quota: string, used: number): Promise<void> {
  await until(async () => {
    const { [quota]: entry } = await fleet.journal(cluster);
    return Number(entry?.used['pods'] ?? 0) === used && Number(entry?.reserved['pods'] ?? 0) === 0;
  });
}

describe('two gates with slices of a hub', () => {
  it('admit as many as the quota says, whoever asks where, and tell the others by whom it is used', async () => {
    await fleet.addQuota('race', 20);
    const [east, west] = await Promise.all([createMany('east', 'race', 15), createMany('west', 'race', 15)]);
    const answers = [...east, ...west];
    expect(stored(answers)).toHaveLength(20);
    expect(await livingIn('race')).toBe(20);
    const refused = answers.filter(({ kind }) => kind !== 'stored');
    expect(kinds(refused)).toEqual(refused.map(() => 'exceeded'));
    const [eastern, western] = [stored(east).length, stored(west).length];
    const last = await fleet.create('east', 'race');
    expect(last.message).toContain('exceeded quota: race, requested: pods=1, used: pods=20, limited: pods=20');
    const users = [`east ${eastern}`, `west ${western}`].filter((each) => !each.endsWith(' 0'));
    for (const each of users) expect(last.message).toMatch(new RegExp(`; pods in use: cluster .*${each}`));
    expect(last.message).not.toMatch(/namespace (;|\(|$)/);
  });

  it('give back what lies idle before another is refused', async () => {
    await fleet.addQuota('idle', 12);
    const made = await createMany('east', 'idle', 12);
    expect(stored(made)).toHaveLength(12);
    for (const { pod } of made) await fleet.remove('east', pod);
    await journalSays('east', 'idle', 0);
    const recalled = 'sallyport_quota_slice_recalls_total';
    const rounds = 'sallyport_quota_hub_recalls_total{outcome="answered"}';
    const before = [await fleet.figure('east', recalled), (await fleet.figure('hub', rounds)) || 0];
    expect(kinds(await createMany('west', 'idle', 12))).toEqual(Array(12).fill('stored'));
    expect(kinds(await createMany('east', 'idle', 1))).toEqual(['exceeded']);
    expect(await fleet.figure('east', recalled)).toBeGreaterThan(before[0] ?? NaN);
    expect(await fleet.figure('hub', rounds)).toBeGreaterThan(before[1] ?? NaN);
    expect(await fleet.figure('hub', 'sallyport_quota_hub_pool{quota="idle",resource="pods"}')).toBe(0);
    expect(await fleet.figure('west', 'sallyport_quota_slice_size{quota="idle",resource="pods"}')).toBe(12);
    expect(await fleet.figure('west', 'sallyport_quota_slice_free{quota="idle",resource="pods"}')).toBe(0);
    // As soon as the members report again.
    await until(async () => (await fleet.status('idle')).used === 12, 40);
  });

  it('hold nobody to a quota that was deleted, and forget it when nothing is charged to it', async () => {
    await fleet.addQuota('ended', 2);
    const made = await createMany('east', 'ended', 2);
    expect(kinds(made)).toEqual(['stored', 'stored']);
    await journalSays('east', 'ended', 2);
    const pool = (quota: string) => fleet.figure('hub', `sallyport_quota_hub_pool{quota="${quota}",resource="pods"}`);
    expect(await pool('ended')).toBe(0);
    await fleet.removeQuota('ended');
    await until(async () => (await fleet.create('east', 'ended')).kind === 'stored');
    for (const pod of await fleet.podsOf('east', 'ended')) await fleet.remove('east', pod);
    // Members tell the hub what they give back with their reports; what was never seen is let go a minute after it was asked for.
    for (const cluster of clusterNames) await until(async () => !('ended' in (await fleet.journal(cluster))), 120);
    await until(async () => Number.isNaN(await pool('ended')));
    expect(await pool('idle')).toBe(0);
  }, 200_000);

  it('leave their slices as they are while somebody asks what would fit', async () => {
    await fleet.addQuota('asked', 10);
    expect(kinds(await createMany('east', 'asked', 2))).toEqual(['stored', 'stored']);
    await journalSays('east', 'asked', 2);
    const { asked: before } = await fleet.journal('east');
    expect(Number(before?.hard['pods'])).toBeLessThan(10);
    const explain = async (replicas: number): Promise<number | null> => {
      const containers = [{ name: 'main', image: 'web', resources: { requests: { cpu: '1m' } } }];
      const template = { metadata: { labels: { app: 'web' } }, spec: { containers } };
      const spec = { replicas, selector: { matchLabels: { app: 'web' } }, template };
      const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'asked' } };
      const input = JSON.stringify({ ...deployment, spec });
      return (await fleet.sallyport('east', ['quota', 'explain', '-'], input)).code;
    };
    expect([await explain(8), await explain(9)]).toEqual([0, 1]);
    expect((await fleet.journal('east'))['asked']).toEqual(before);
    expect(kinds(await createMany('west', 'asked', 8))).toEqual(Array(8).fill('stored'));
    expect(kinds(await createMany('east', 'asked', 1))).toEqual(['exceeded']);
  });

  it('go on within their slices while the line to the hub is cut, and share again when it is mended', async () => {
    await fleet.addQuota('cut', 12);
    const made = await createMany('east', 'cut', 6);
    expect(stored(made)).toHaveLength(6);
    for (const { pod } of made.slice(0, 4)) await fleet.remove('east', pod);
    await journalSays('east', 'cut', 2);
    fleet.cut('east');
    try {
      // At least what it has used once it may use again, and never learns of more.
      expect(kinds(await createMany('east', 'cut', 4))).toEqual(Array(4).fill('stored'));
      const beyond = await createMany('east', 'cut', 12);
      const more = stored(beyond).length;
      expect(beyond.find(({ kind }) => kind === 'no-hub')?.message).toMatch(
        /exceeded quota: cut, .*the hub cannot be reached, and this cluster's slice is used up/,
      );
      expect(new Set(kinds(beyond).filter((kind) => kind !== 'stored'))).toEqual(new Set(['no-hub']));
      const west = await createMany('west', 'cut', 12);
      expect(6 + more + stored(west).length).toBe(12);
      expect(west.find(({ kind }) => kind === 'exceeded')?.message).toContain('exceeded quota: cut');
      expect(await livingIn('cut')).toBe(12);
      for (const { pod } of stored(beyond)) await fleet.remove('east', pod);
      for (const { pod } of made.slice(4)) await fleet.remove('east', pod);
      await journalSays('east', 'cut', 4);
    } finally {
      fleet.mend('east');
    }
    // Eight are in use, and what lies idle in the slice of the east comes to the west as soon as the line carries again.
    const left = 12 - (await livingIn('cut'));
    let got = 0;
    await until(async () => {
      if ((await fleet.create('west', 'cut')).kind === 'stored') got += 1;
      return got === left;
    });
    expect(kinds(await createMany('west', 'cut', 2))).toEqual(['exceeded', 'exceeded']);
    expect(await livingIn('cut')).toBe(12);
  });

  it('lose nothing and give nothing away twice when a gate and the hub are killed under load', async () => {
    await fleet.addQuota('killed', 15);
    const live = new LiveObjects(({ metadata }) => (metadata?.namespace === 'killed' ? 1 : 0));
    for (const name of clusterNames) await live.watch(fleet.client(name), { ...pods, namespace: 'killed' });
    const counts: Record<Answer['kind'], number> = { stored: 0, exceeded: 0, 'no-hub': 0, fault: 0 };
    const unexpected: string[] = [];
    let isOver = false;
    /** Makes Pods, and removes some again, as long as it lasts. */
    const churn = async (cluster: ClusterName): Promise<void> => {
      const own: Answer[] = [];
      while (!isOver) {
        const answer = await fleet.create(cluster, 'killed');
        counts[answer.kind] += 1;
        if (answer.kind === 'fault' && !/failed calling webhook/.test(answer.message)) unexpected.push(answer.message);
        if (answer.kind === 'stored') own.push(answer);
        else await sleep(5);
        if (answer.kind !== 'stored' || own.length > 3) {
          const pod = own.shift()?.pod;
          if (pod === undefined) continue;
          live.dooms(pod.metadata?.uid ?? '');
          await fleet.remove(cluster, pod);
        }
      }
    };
    const churning = clusterNames.flatMap((name) => [1, 2, 3, 4].map(() => churn(name)));
    /** Until so many more were stored. */
    const load = async (more: number): Promise<void> => {
      const goal = counts.stored + more;
      await until(() => Promise.resolve(counts.stored >= goal), 60);
    };
    await load(40);
    await fleet.killGate('east');
    // The other goes on.
    await load(10);
    await fleet.startGate('east');
    await load(40);
    await fleet.killHub();
    await load(5);
    await fleet.startHub();
    await load(40);
    isOver = true;
    await Promise.all(churning);
    expect(unexpected).toEqual([]);
    expect(counts.fault).toBeGreaterThan(0);
    await live.stop();
    expect(live.highest()).toBeLessThanOrEqual(15);
    // Whose write was under way when its gate ended is known when a read of the cluster, a minute later, has shown what came of it.
    const books = async (): Promise<object> => {
      const [east, west] = [await fleet.journal('east'), await fleet.journal('west')].map(({ killed }) => killed);
      const [eastern, western] = [east, west].map((each) => Number(each?.used['pods'] ?? 0));
      const reserved = [east, west].map((each) => Number(each?.reserved['pods'] ?? 0));
      return { used: (eastern ?? 0) + (western ?? 0), reserved, status: (await fleet.status('killed')).used };
    };
    const expected = async (): Promise<object> => {
      const living = await livingIn('killed');
      return { used: living, reserved: [0, 0], status: living };
    };
    const isQuiet = async (): Promise<boolean> => isDeepStrictEqual(await books(), await expected());
    await until(isQuiet, 150).catch(async () => expect(await books()).toEqual(await expected()));
    const room = 15 - (await livingIn('killed'));
    const fill = await createMany('west', 'killed', room + 3);
    expect(stored(fill)).toHaveLength(room);
    expect(await livingIn('killed')).toBe(15);
    for (const name of clusterNames) {
      expect(await fleet.figure(name, 'sallyport_quota_late_confirmations_total')).toBe(0);
    }
  }, 400_000);
});

describe('the hub', () => {
  /** What it says to a message that speaks for the east. */
  async function speak(credentials: HubCredentials): Promise<string> {
    const connection = new HttpsHubConnection({
      url: `https://localhost:${fleet.hubPort}`,
      credentials: () => credentials,
    });
    try {
      const cluster = await clusterIdOf(fleet.client('east'));
      await connection.sync({ cluster, reports: [], needs: [], recall: null }, AbortSignal.timeout(10_000));
      return 'heard';
    } catch (error) {
      if (error instanceof HubUnreachableError) return error.message;
      throw error;
    } finally {
      await connection.close();
    }
  }

  it('hears a cluster by its own certificate alone', async () => {
    expect(await speak(fleet.credentials('east'))).toBe('heard');
    expect(await speak(fleet.credentials('west'))).toMatch(/answered 409: .*east/);
    const { ca } = fleet.credentials('east');
    const { cert, key } = await clientCertificate(await testAuthority(), 'east');
    expect(await speak({ ca, certificatePem: cert, privateKeyPem: key })).not.toBe('heard');
    expect(await speak({ ca, certificatePem: '', privateKeyPem: '' })).not.toBe('heard');
  });
});
