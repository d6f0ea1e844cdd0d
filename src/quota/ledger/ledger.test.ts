import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/fake-clock.ts';
import { parseResourceList, formatResourceList } from '../../usage/index.ts';
import {
  Ledger,
  type LedgerOptions,
  MemoryLedgerStore,
  noLedgerEvents,
  type QuotaTerms,
  type Reservation,
} from './index.ts';

const list = (body: Record<string, string>) => parseResourceList(body, 'test');

function terms(hard: Record<string, string>, more: Partial<QuotaTerms> = {}): QuotaTerms {
  return { id: 'team', name: 'team', generation: 1, hard: list(hard), mode: 'enforce', ...more };
}

function create(uid: string, usage: Record<string, string>, more: Partial<Reservation> = {}): Reservation {
  return {
    key: { cluster: 'east', resource: 'pods', uid },
    namespace: 'shop',
    name: `pod-${uid}`,
    attempt: `call-${uid}`,
    usage: list(usage),
    quotas: ['team'],
    dryRun: false,
    ...more,
  };
}

async function setUp(quotas: readonly QuotaTerms[], options: Partial<LedgerOptions> = {}) {
  const clock = new FakeClock();
  const store = new MemoryLedgerStore();
  const ledger = new Ledger({ store, clock, ...options });
  await ledger.start();
  for (const each of quotas) await ledger.setTerms(each);
  const standing = async (id = 'team') => {
    const { used, reserved } = (await ledger.standing(id)) ?? {};
    return { used: formatResourceList(used ?? new Map()), reserved: formatResourceList(reserved ?? new Map()) };
  };
  const see = (uid: string, resourceVersion: number, usage: Record<string, string>, quotas = ['team']) =>
    ledger.observe([
      {
        type: 'present',
        key: { cluster: 'east', resource: 'pods', uid },
        namespace: 'shop',
        name: `pod-${uid}`,
        resourceVersion: BigInt(resourceVersion),
        usage: list(usage),
        quotas,
      },
    ]);
  return { clock, store, ledger, standing, see };
}

describe('Ledger.reserve()', () => {
  it('holds what fits, and refuses what does not with the numbers', async () => {
    const { ledger, standing } = await setUp([terms({ pods: '2', 'requests.cpu': '1' })]);
    expect(await ledger.reserve(create('a', { pods: '1', 'requests.cpu': '600m' }))).toMatchObject({ allowed: true });
    const { allowed, refusals } = await ledger.reserve(create('b', { pods: '1', 'requests.cpu': '500m' }));
    expect(allowed).toBe(false);
    const [refusal] = refusals;
    expect(formatResourceList(refusal?.requested ?? new Map())).toEqual({ 'requests.cpu': '500m' });
    expect(formatResourceList(refusal?.used ?? new Map())).toEqual({ 'requests.cpu': '600m' });
    expect(formatResourceList(refusal?.limited ?? new Map())).toEqual({ 'requests.cpu': '1' });
    expect(await standing()).toEqual({ used: {}, reserved: { pods: '1', 'requests.cpu': '600m' } });
  });

  it('charges an object once, however often it is asked', async () => {
    const { ledger, standing } = await setUp([terms({ pods: '1' })]);
    for (const attempt of ['1', '2', '3']) {
      expect(await ledger.reserve(create('a', { pods: '1' }, { attempt }))).toMatchObject({ allowed: true });
    }
    expect(await standing()).toEqual({ used: {}, reserved: { pods: '1' } });
  });

  it('charges all quotas or none', async () => {
    const { ledger, standing } = await setUp([
      terms({ pods: '9' }),
      terms({ pods: '0' }, { id: 'full', name: 'full' }),
    ]);
    const verdict = await ledger.reserve(create('a', { pods: '1' }, { quotas: ['team', 'full'] }));
    expect(verdict.refusals.map(({ name }) => name)).toEqual(['full']);
    expect(await standing()).toEqual({ used: {}, reserved: {} });
  });

  it('gives back what a caller left behind while it was being decided', async () => {
    const { ledger, standing } = await setUp([terms({ pods: '1' })]);
    const gone = new AbortController();
    const call = ledger.reserve(create('a', { pods: '1' }), { signal: gone.signal });
    gone.abort(new Error('left'));
    await expect(call).rejects.toThrow('left');
    expect(await ledger.reserve(create('b', { pods: '1' }))).toMatchObject({ allowed: true });
    expect(await standing()).toEqual({ used: {}, reserved: { pods: '1' } });
  });
});

describe('Ledger.settle()', () => {
  it('frees nothing by time alone, and what was never stored by a read after it was due', async () => {
    const { ledger, clock, standing } = await setUp([terms({ pods: '1' })]);
    const reservation = create('a', { pods: '1' });
    await ledger.reserve(reservation);
    const evidence = () => ({ ...reservation, readBegan: ledger.now(), found: null });
    expect(await ledger.openReservations()).toMatchObject([{ isDue: false }]);
    clock.advance(59_999);
    expect(await ledger.settle([evidence()])).toEqual(['unchanged']);
    const early = evidence();
    clock.advance(1);
    expect(await ledger.openReservations()).toMatchObject([{ isDue: true }]);
    expect(await ledger.settle([early])).toEqual(['unchanged']);
    expect(await standing()).toEqual({ used: {}, reserved: { pods: '1' } });
    expect(await ledger.settle([evidence()])).toEqual(['released']);
    expect(await standing()).toEqual({ used: {}, reserved: {} });
  });
});

describe('Ledger.setTerms()', () => {
  /** Whether the second terms are written after the first. */
  async function isWritten(first: QuotaTerms, second: QuotaTerms): Promise<boolean> {
    let written = 0;
    class Watched extends MemoryLedgerStore {
      override transact: MemoryLedgerStore['transact'] = (needs, decide) =>
        super.transact(needs, (view) => {
          const decided = decide(view);
          written += decided.changes.quotas.length;
          return decided;
        });
    }
    const ledger = new Ledger({ store: new Watched(), clock: new FakeClock() });
    await ledger.start();
    await ledger.setTerms(first);
    expect(written).toBe(1);
    await ledger.setTerms(second);
    return written > 1;
  }
  const all = { perCluster: list({ pods: '2' }), perNamespace: list({ pods: '1' }), warnAtPercent: 80 };
  const before = terms({ pods: '1', cpu: '1' }, all);

  it.each([
    ['the same', { ...before, hard: list({ cpu: '1', pods: '1' }) }, false],
    ['another value', { ...before, hard: list({ pods: '2', cpu: '1' }) }, true],
    ['another format', { ...before, hard: list({ pods: '1', cpu: '1Ki' }) }, true],
    ['one resource more', { ...before, hard: list({ pods: '1', cpu: '1', memory: '1' }) }, true],
    ['one resource less', { ...before, hard: list({ pods: '1' }) }, true],
    ['another one', { ...before, hard: list({ pods: '1', memory: '1' }) }, true],
    ['another ceiling', { ...before, perCluster: list({ pods: '3' }) }, true],
    ['no ceiling', { ...before, perCluster: undefined }, true],
    ['another one for namespaces', { ...before, perNamespace: list({ pods: '2' }) }, true],
    ['another name', { ...before, name: 'shop' }, true],
    ['a later generation', { ...before, generation: 2 }, true],
    ['an earlier generation', { ...before, generation: 0, name: 'shop' }, false],
    ['another mode', { ...before, mode: 'warn' as const }, true],
    ['another warning', { ...before, warnAtPercent: 90 }, true],
  ])('writes what is not there: $0: $2', async (_what, after, isNew) => {
    expect(await isWritten(before, after)).toBe(isNew);
  });

  it('writes terms anew that had been removed', async () => {
    const { ledger } = await setUp([before]);
    await ledger.reserve(create('a', { pods: '1' }));
    await ledger.changeQuota(before.id, () => ({ quota: null, result: undefined }));
    await ledger.setTerms(before);
    await expect(ledger.reserve(create('b', { pods: '1' }))).resolves.toMatchObject({ allowed: false });
  });
});

it('the event loop turns between two batches', async () => {
  const turns: number[] = [];
  let turn = 0;
  let isOver = false;
  const count = (): void => {
    turn += 1;
    if (!isOver) setImmediate(count);
  };
  const committed = (): void => void turns.push(turn);
  const { ledger } = await setUp([], { maxBatch: 10, events: { ...noLedgerEvents, committed } });
  count();
  await Promise.all(
    Array.from({ length: 30 }, (_, index) => ledger.setTerms(terms({ pods: '1' }, { id: `q${index}` }))),
  );
  isOver = true;
  expect(turns).toHaveLength(3);
  expect(new Set(turns).size).toBe(3);
});
