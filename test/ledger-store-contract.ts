import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Quantity } from '../src/api/quantity.ts';
import { formatResourceList } from '../src/usage/index.ts';
import { shareOf, quotasOf } from '../src/quota/ledger/charge.ts';
import { addInto } from '../src/quota/ledger/amounts.ts';
import type { RecountedObject } from '../src/quota/ledger/recount.ts';
import { placesOf, accountText } from '../src/quota/ledger/draft.ts';
import { Ledger, type LedgerStore } from '../src/quota/ledger/index.ts';
import { FakeClock } from './fake-clock.ts';
import { list, present, quotaTerms, reservation } from './quota-builders.ts';

interface Sum {
  readonly used: Map<string, bigint>;
  readonly reserved: Map<string, bigint>;
}

/** Of the cluster called east. */
const facts = { name: 'east', labels: { region: 'eu' } };

const newSum = (): Sum => ({ used: new Map(), reserved: new Map() });

/** I2 and I4: what the accounts say is the sum over the charges, of which there is one for each key. Throws where not. */
export async function checkSums(store: LedgerStore): Promise<void> {
  const charges = await store.charges({ limit: 1_000_000 });
  expect(new Set(charges.map(({ key }) => JSON.stringify(key))).size).toBe(charges.length);
  for (const { terms } of await store.quotas()) {
    const sums = new Map<string, Sum>();
    for (const charge of charges) {
      if (!quotasOf(charge).includes(terms.id)) continue;
      const share = shareOf(charge, terms.id);
      for (const place of placesOf(charge.key.cluster, charge.namespace)) {
        const text = accountText({ quota: terms.id, ...place });
        const sum = sums.get(text) ?? newSum();
        addInto(sum.used, share.used);
        addInto(sum.reserved, share.reserved);
        if (sum.used.size + sum.reserved.size > 0) sums.set(text, sum);
        else sums.delete(text);
      }
    }
    const accounts = (await store.accounts(terms.id)).filter(
      ({ balance }) => balance.used.size + balance.reserved.size > 0,
    );
    expect(new Map(accounts.map((account) => [accountText(account), account.balance]))).toEqual(sums);
  }
}

/** What every store must do, through the ledger that lives in it. `make` gives an empty one, and another view of the last. */
export function describeLedgerStore(
  name: string,
  make: () => Promise<{ first: LedgerStore; second: LedgerStore }>,
): void {
  async function setUp() {
    const { first, second } = await make();
    const clock = new FakeClock();
    const [ledger, other] = [new Ledger({ store: first, clock }), new Ledger({ store: second, clock })];
    await ledger.start();
    await other.start();
    onTestFinished(async () => {
      await checkSums(first);
      await ledger.stop();
      await other.stop();
    });
    return { ledger, other, clock, store: first, second };
  }
  const whole = async (ledger: Ledger, id: string) => {
    const { used, reserved } = (await ledger.standing(id)) ?? {};
    return { used: formatResourceList(used ?? new Map()), reserved: formatResourceList(reserved ?? new Map()) };
  };

  describe(name, () => {
    it('keeps terms, memo and charges for whoever opens it', async () => {
      const { ledger, other, store, second } = await setUp();
      const terms = quotaTerms(
        'team',
        { pods: '3', 'requests.memory': '1.5Gi' },
        {
          perCluster: list({ pods: '2' }),
          perNamespace: list({ pods: '1' }),
          warnAtPercent: 80,
          mode: 'warn',
        },
      );
      expect(await ledger.setTerms(terms)).toBe(true);
      await ledger.changeQuota('team', ({ quota }) => ({
        ...(quota !== undefined && { quota: { ...quota, memo: '{"slices":{}}' } }),
        result: undefined,
      }));
      await ledger.reserve(reservation('a', ['team']));
      expect(await other.quotas()).toMatchObject([{ memo: '{"slices":{}}', removed: false }]);
      const [stored] = await other.quotas();
      expect(stored?.terms).toMatchObject({
        ...terms,
        hard: expect.anything() as unknown,
        perCluster: expect.anything() as unknown,
        perNamespace: expect.anything() as unknown,
      });
      expect(formatResourceList(stored?.terms.hard ?? new Map())).toEqual({ pods: '3', 'requests.memory': '1536Mi' });
      expect(formatResourceList(stored?.terms.perNamespace ?? new Map())).toEqual({ pods: '1' });
      expect(await second.charges({ limit: 10 })).toEqual(await store.charges({ limit: 10 }));
      expect(await whole(other, 'team')).toEqual({ used: {}, reserved: { pods: '1' } });
    });

    it('writes many large memos that are changed at once', async () => {
      const { ledger, second } = await setUp();
      const memos = new Map(
        Array.from({ length: 300 }, (_, index) => [
          `q${index}`,
          JSON.stringify({ of: index, text: 'x'.repeat(6_000) }),
        ]),
      );
      const change = ([id, memo]: readonly [string, string]): Promise<unknown> => {
        const quota = { terms: quotaTerms(id, { pods: '1' }), memo, removed: false };
        return ledger.changeQuota(id, () => ({ quota, result: undefined }));
      };
      await Promise.all([...memos].map(change));
      expect(new Map((await second.quotas()).map(({ terms, memo }) => [terms.id, memo]))).toEqual(memos);
    });

    it('leaves aside terms of a lower generation', async () => {
      const { ledger, other } = await setUp();
      await ledger.setTerms(quotaTerms('team', { pods: '3' }, { generation: 2 }));
      expect(await other.setTerms(quotaTerms('team', { pods: '9' }, { generation: 1 }))).toBe(false);
      expect(formatResourceList((await ledger.quotas())[0]?.terms.hard ?? new Map())).toEqual({ pods: '3' });
    });

    it('never admits more than fits, whoever asks, and refuses nothing that fits', async () => {
      const { ledger, other } = await setUp();
      await ledger.setTerms(quotaTerms('team', { pods: '50' }));
      const verdicts = await Promise.all(
        Array.from({ length: 120 }, (_, index) =>
          (index % 2 === 0 ? ledger : other).reserve(reservation(`u${index}`, ['team'])),
        ),
      );
      expect(verdicts.filter(({ allowed }) => allowed)).toHaveLength(50);
      expect(await whole(ledger, 'team')).toEqual({ used: {}, reserved: { pods: '50' } });
    });

    it('charges all quotas of a request or none, whatever order they are named in', async () => {
      const { ledger, other, store } = await setUp();
      for (const id of ['a', 'b', 'c']) await ledger.setTerms(quotaTerms(id, { pods: id === 'b' ? '10' : '20' }));
      await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          index % 2 === 0
            ? ledger.reserve(reservation(`u${index}`, ['a', 'b']))
            : other.reserve(reservation(`u${index}`, ['c', 'b'])),
        ),
      );
      const taken = async (id: string) => Number((await whole(ledger, id)).reserved['pods'] ?? 0);
      expect(await taken('b')).toBe(10);
      expect((await taken('a')) + (await taken('c'))).toBe(10);
      expect((await store.charges({ limit: 100 })).length).toBe(10);
    });

    it('charges one object once, though two processes are asked about it under different quotas', async () => {
      const { ledger, other, store } = await setUp();
      await ledger.setTerms(quotaTerms('a', { pods: '5' }));
      await ledger.setTerms(quotaTerms('b', { pods: '5' }));
      await Promise.all([
        ledger.reserve(reservation('u', ['a'], { attempt: '1' })),
        other.reserve(reservation('u', ['b'], { attempt: '2' })),
      ]);
      expect(await store.charges({ limit: 10 })).toMatchObject([{ pending: [{ attempt: null }] }]);
      expect(await whole(ledger, 'a')).toEqual({ used: {}, reserved: { pods: '1' } });
      expect(await whole(ledger, 'b')).toEqual({ used: {}, reserved: { pods: '1' } });
    });

    it('writes nothing for refusals and dry runs', async () => {
      const { ledger, store } = await setUp();
      await ledger.setTerms(quotaTerms('team', { pods: '1' }));
      await ledger.reserve(reservation('a', ['team']));
      const before = [await store.charges({ limit: 10 }), await store.accounts('team'), await store.audit(10)];
      const dry = { dryRun: true };
      expect(await ledger.reserve(reservation('b', ['team']))).toMatchObject({ allowed: false, charged: false });
      expect(await ledger.reserve(reservation('a', ['team'], dry))).toMatchObject({ allowed: true, charged: false });
      expect(await ledger.reserve(reservation('c', ['team'], dry))).toMatchObject({ allowed: false });
      expect([await store.charges({ limit: 10 }), await store.accounts('team'), await store.audit(10)]).toEqual(before);
    });

    it('keeps every digit of amounts beyond 64 bits', async () => {
      const { ledger, other } = await setUp();
      const huge = new Map([['requests.storage', Quantity.parse('123456789012345678901234567890.000000001')]]);
      await ledger.setTerms({
        ...quotaTerms('team', {}),
        hard: new Map([['requests.storage', Quantity.parse('1e30')]]),
      });
      await ledger.reserve(reservation('a', ['team'], { usage: huge }));
      await ledger.reserve(reservation('b', ['team'], { usage: huge }));
      const reserved = (await other.standing('team'))?.reserved.get('requests.storage');
      expect(reserved?.nano()).toBe(2n * 123456789012345678901234567890000000001n);
    });

    it('follows an object from its reservation over updates to its end', async () => {
      const { ledger, store } = await setUp();
      await ledger.setTerms(quotaTerms('team', { pods: '5', 'requests.cpu': '4' }));
      const cpu = (amount: string) => list({ pods: '1', 'requests.cpu': amount });
      const first = reservation('a', ['team'], { usage: cpu('1') });
      await ledger.reserve(first);
      expect(await ledger.observe([present(first, 10n)])).toEqual(['confirmed']);
      expect(await whole(ledger, 'team')).toEqual({ used: { pods: '1', 'requests.cpu': '1' }, reserved: {} });
      const old = { resourceVersion: 10n, usage: cpu('1'), quotas: ['team'] };
      const racing = ['3', '2'].map((amount) => ledger.reserve({ ...first, attempt: amount, usage: cpu(amount), old }));
      expect((await Promise.all(racing)).every(({ allowed }) => allowed)).toBe(true);
      expect(await whole(ledger, 'team')).toEqual({
        used: { pods: '1', 'requests.cpu': '1' },
        reserved: { 'requests.cpu': '2' },
      });
      expect(await ledger.observe([present({ ...first, usage: cpu('2') }, 11n)])).toEqual(['changed']);
      expect(await ledger.observe([present(first, 10n)])).toEqual(['unchanged']);
      expect(await whole(ledger, 'team')).toEqual({ used: { pods: '1', 'requests.cpu': '2' }, reserved: {} });
      expect(await ledger.observe([{ type: 'gone', key: first.key, namespace: 'shop' }])).toEqual(['gone']);
      expect(await store.charges({ limit: 10 })).toEqual([]);
      expect(await whole(ledger, 'team')).toEqual({ used: {}, reserved: {} });
    });

    it('moves an object between quotas in one step', async () => {
      const { ledger } = await setUp();
      await ledger.setTerms(quotaTerms('a', { pods: '5' }));
      await ledger.setTerms(quotaTerms('b', { pods: '0' }));
      const first = reservation('u', ['a']);
      await ledger.reserve(first);
      await ledger.observe([present(first, 10n)]);
      expect(await ledger.observe([present({ ...first, quotas: ['b'] }, 10n)])).toEqual(['changed']);
      expect(await whole(ledger, 'a')).toEqual({ used: {}, reserved: {} });
      expect(await whole(ledger, 'b')).toEqual({ used: { pods: '1' }, reserved: {} });
      expect(formatResourceList((await ledger.standing('b'))?.debt ?? new Map())).toEqual({ pods: '1' });
    });

    it('pages through charges, each once, filtered', async () => {
      const { ledger, store } = await setUp();
      await ledger.setTerms(quotaTerms('team', { pods: '5000' }));
      const all = Array.from({ length: 30 }, (_, index) =>
        reservation(`u${index}`, ['team'], {
          key: { cluster: index % 3 === 0 ? 'west' : 'east', resource: 'pods', uid: `u${index}` },
          namespace: index % 2 === 0 ? 'shop' : 'till',
        }),
      );
      await Promise.all(all.map((each) => ledger.reserve(each)));
      await ledger.observe(all.slice(0, 10).map((each) => present(each, 7n)));
      const ids = (charges: readonly { key: { cluster: string; uid: string } }[]) =>
        charges.map(({ key }) => `${key.cluster}/${key.uid}`);
      const expected = all.map(({ key }) => `${key.cluster}/${key.uid}`).sort();
      const pages: string[] = [];
      for (let after; ;) {
        const page = await store.charges({ limit: 7, ...(after !== undefined && { after }) });
        pages.push(...ids(page));
        after = page.at(-1);
        if (page.length < 7) break;
      }
      expect(new Set(pages).size).toBe(pages.length);
      expect(pages.sort()).toEqual(expected);
      expect(ids(await store.charges({ cluster: 'west', namespace: 'till', limit: 100 })).sort()).toEqual(
        expected.filter((id) => id.startsWith('west') && Number(id.slice(6)) % 2 === 1),
      );
      expect(await store.charges({ open: true, limit: 100 })).toHaveLength(20);
    });

    it('recounts right beside charges that go and come back', async () => {
      const { ledger, other, store } = await setUp();
      await ledger.setTerms(quotaTerms('team', { pods: '5000' }));
      const all = Array.from({ length: 260 }, (_, index) => reservation(`u${index}`, ['team']));
      await ledger.observe(all.map((each) => present(each, 5n)));
      const read = store.charges.bind(store);
      vi.spyOn(store, 'charges').mockImplementationOnce(async (query) => {
        const page = await read(query);
        const some = all.filter(({ key }) => page.slice(0, 5).some((each) => each.key.uid === key.uid));
        await other.observe(some.map((each) => present({ ...each, quotas: [] }, 5n)));
        await other.observe(some.map((each) => present(each, 5n)));
        return page;
      });
      const objects = all.map((each) => ({ ...present(each, 5n), uid: each.key.uid }) as RecountedObject);
      const request = { cluster: 'east', resource: 'pods', listBegan: ledger.now(), resourceVersion: 9n, objects };
      expect(await ledger.recount(request)).toMatchObject({ gone: 0, discovered: 0 });
      expect(await whole(ledger, 'team')).toEqual({ used: { pods: '260' }, reserved: {} });
    });

    it('frees by an operator’s word, remembers it, notices what appears all the same, and forgets in time', async () => {
      const { ledger, clock, store } = await setUp();
      await ledger.setTerms(quotaTerms('team', { pods: '5' }));
      const [a, b] = [reservation('a', ['team']), reservation('b', ['team'])];
      await ledger.reserve(a);
      await ledger.reserve(b);
      expect(await ledger.release([a, b, reservation('c', ['team'])], { by: 'jane', reason: 'test' })).toBe(2);
      expect(await whole(ledger, 'team')).toEqual({ used: {}, reserved: {} });
      expect(await store.charges({ limit: 10 })).toEqual([]);
      expect(await ledger.observe([present(a, 9n)])).toEqual(['late']);
      expect((await ledger.audit(2)).map(({ kind }) => kind)).toEqual(['late-confirmation', 'release']);
      clock.advance(3_600_001);
      expect(await store.charges({ releasedBefore: clock.now(), limit: 10 })).toHaveLength(1);
      await ledger.tidy();
      expect(await store.charges({ releasedBefore: clock.now(), limit: 10 })).toEqual([]);
    });

    it('binds a name to one cluster, until it is renamed or forgotten', async () => {
      const { ledger, other } = await setUp();
      await ledger.registerCluster({ id: 'uid-1', name: 'east' });
      await other.registerCluster({ id: 'uid-1', name: 'east' });
      await expect(other.registerCluster({ id: 'uid-2', name: 'east' })).rejects.toThrow('made anew');
      await expect(other.registerCluster({ id: 'uid-1', name: 'west' })).rejects.toThrow('registered as east');
      await ledger.renameCluster('uid-1', 'west', 'jane');
      await other.registerCluster({ id: 'uid-2', name: 'east' });
      await ledger.setTerms(quotaTerms('team', { pods: '5' }));
      await ledger.reserve(reservation('a', ['team'], { key: { cluster: 'uid-1', resource: 'pods', uid: 'a' } }));
      await ledger.reserve(reservation('b', ['team'], { key: { cluster: 'uid-2', resource: 'pods', uid: 'b' } }));
      expect(await ledger.forgetCluster('uid-1', { by: 'jane', reason: 'gone' })).toBe(1);
      expect(await other.clusters()).toEqual([{ id: 'uid-2', name: 'east' }]);
      expect(await whole(other, 'team')).toEqual({ used: {}, reserved: { pods: '1' } });
    });

    it('keeps the sums of a removed quota right while charges name it', async () => {
      const { ledger, store } = await setUp();
      await ledger.setTerms(quotaTerms('team', { pods: '5' }));
      await ledger.beginCensus('team', 'east', 'all', facts);
      const first = reservation('a', ['team']);
      await ledger.reserve(first);
      await ledger.endCensuses('east', new Set());
      expect(await ledger.quotas()).toEqual([]);
      await expect(ledger.reserve(reservation('b', ['team']))).rejects.toThrow('no terms of quota team');
      await ledger.setTerms(quotaTerms('team', { pods: '1' }));
      expect((await ledger.reserve(reservation('b', ['team']))).allowed).toBe(false);
      await ledger.beginCensus('team', 'east', 'all', facts);
      await ledger.endCensuses('east', new Set());
      await ledger.observe([{ type: 'gone', key: first.key, namespace: 'shop' }]);
      await ledger.tidy();
      expect(await store.quotas()).toEqual([]);
    });

    it('knows what has been counted in a cluster until it is counted anew, forgotten, or held to no more', async () => {
      const { ledger, other } = await setUp();
      await ledger.registerCluster({ id: 'uid-1', name: 'east' });
      await ledger.setTerms(quotaTerms('team', { pods: '5' }));
      await expect(ledger.beginCensus('no-team', 'uid-1', 'all', facts)).rejects.toThrow('no terms of quota no-team');
      const counted = async (signature: string) => [
        ...(await other.beginCensus('team', 'uid-1', signature, facts)).resources,
      ];
      await ledger.beginCensus('team', 'uid-2', 'all', facts);
      const { stamp } = await ledger.beginCensus('team', 'uid-1', 'all', facts);
      expect(await counted('all')).toEqual([]);
      expect(await ledger.markCounted('team', 'uid-1', stamp, 'pods')).toBe(true);
      expect(await ledger.markCounted('team', 'uid-2', stamp, 'pods')).toBe(false);
      await ledger.setTerms(quotaTerms('team', { pods: '6' }, { generation: 2 }));
      expect(await counted('all')).toEqual(['pods']);
      expect(await counted('some')).toEqual([]);
      expect(await counted('all')).toEqual([]);
      expect(await ledger.markCounted('team', 'uid-1', stamp, 'pods')).toBe(false);

      const again = await ledger.beginCensus('team', 'uid-1', 'all', facts);
      await ledger.markCounted('team', 'uid-1', again.stamp, 'pods');
      await ledger.forgetCluster('uid-1', { by: 'jane', reason: 'gone' });
      expect(await counted('all')).toEqual([]);
    });

    it('keeps a quota until the last gate that holds itself to it does so no more', async () => {
      const { ledger, other } = await setUp();
      for (const id of ['team', 'shared-out']) await ledger.setTerms(quotaTerms(id, { pods: '5' }));
      await ledger.changeQuota('shared-out', ({ quota }) => ({
        ...(quota !== undefined && { quota: { ...quota, memo: 'slices' } }),
        result: undefined,
      }));
      for (const id of ['team', 'shared-out']) {
        for (const cluster of ['uid-1', 'uid-2']) await ledger.beginCensus(id, cluster, 'all', facts);
      }
      await ledger.endCensuses('uid-1', new Set());
      expect((await ledger.reserve(reservation('a', ['team']))).allowed).toBe(true);
      await other.endCensuses('uid-2', new Set());
      expect((await ledger.quotas()).map(({ terms }) => terms.id)).toEqual(['shared-out']);
    });

    it('takes off a quota what a cluster is charged for that it does not select any more', async () => {
      const { ledger, other, store } = await setUp();
      for (const id of ['team', 'other']) await ledger.setTerms(quotaTerms(id, { pods: '5' }, { generation: 2 }));
      const { stamp } = await ledger.beginCensus('team', 'east', 'all', facts);
      await ledger.markCounted('team', 'east', stamp, 'pods');
      await ledger.beginCensus('team', 'west', 'all', { name: 'west', labels: {} });
      const west = { cluster: 'west', resource: 'pods', uid: 'w' };
      await ledger.observe([
        present(reservation('a', ['team']), 3n),
        present(reservation('b', ['team', 'other']), 4n),
        present(reservation('w', ['team'], { key: west }), 5n),
      ]);
      await ledger.reserve(reservation('c', ['team']));
      expect(await whole(ledger, 'team')).toEqual({ used: { pods: '3' }, reserved: { pods: '1' } });

      const selectsWest = ({ name }: { name: string }) => name === 'west';
      // By terms that others have changed since, or have not heard of.
      for (const generation of [1, 3]) await other.releaseUnselected('team', generation, selectsWest);
      expect(await whole(ledger, 'team')).toEqual({ used: { pods: '3' }, reserved: { pods: '1' } });

      await other.releaseUnselected('team', 2, selectsWest);
      expect(await whole(ledger, 'team')).toEqual({ used: { pods: '1' }, reserved: {} });
      expect(await whole(ledger, 'other')).toEqual({ used: { pods: '1' }, reserved: {} });
      expect((await store.charges({ limit: 10 })).map(({ key }) => key.uid)).toEqual(['b', 'w']);
      // It has to be counted again before it is trusted.
      expect((await ledger.beginCensus('team', 'east', 'all', facts)).resources).toEqual(new Set());
    });

    it('counts an object that was told of before its quota was when it is told of again', async () => {
      const { ledger } = await setUp();
      await ledger.setTerms(quotaTerms('other', { pods: '5' }));
      const object = present(reservation('a', ['team', 'other']), 3n);
      await ledger.observe([object]);
      await ledger.setTerms(quotaTerms('team', { pods: '5' }));
      expect(await whole(ledger, 'team')).toEqual({ used: {}, reserved: {} });
      await ledger.observe([object]);
      expect(await whole(ledger, 'team')).toEqual({ used: { pods: '1' }, reserved: {} });
    });

    it('undoes a batch as a whole when deciding it fails, and goes on', async () => {
      const { ledger, store } = await setUp();
      await ledger.setTerms(quotaTerms('team', { pods: '5' }));
      const nothing = { keys: [], quotas: ['team'], places: [], clusters: false };
      await expect(
        store.transact(nothing, () => {
          throw new RangeError('on purpose');
        }),
      ).rejects.toThrow('on purpose');
      expect(await ledger.reserve(reservation('a', ['team']))).toMatchObject({ allowed: true });
    });
  });
}
