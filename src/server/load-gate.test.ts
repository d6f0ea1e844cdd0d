import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/fake-clock.ts';
import { LoadGate, type Work } from './load-gate.ts';

/** Work that ends when the test says so. */
class TestWork implements Work {
  readonly name: string;
  readonly deadline: number;
  readonly #isUrgent: boolean;
  readonly #log: string[];
  readonly #takes: () => void;
  #onOver: () => void = () => expect.unreachable('ended before it ran');
  isOver = false;

  constructor(
    name: string,
    log: string[],
    options: { deadline?: number; isUrgent?: boolean; takes?: () => void } = {},
  ) {
    this.name = name;
    this.#log = log;
    this.deadline = options.deadline ?? Infinity;
    this.#isUrgent = options.isUrgent ?? false;
    this.#takes = options.takes ?? (() => undefined);
  }

  isUrgent(): boolean {
    return this.#isUrgent;
  }

  run(onOver: () => void): void {
    this.#log.push(`run ${this.name}`);
    this.#takes();
    this.#onOver = onOver;
  }

  shed(reason: string): void {
    this.#log.push(`shed ${this.name}: ${reason}`);
  }

  /** Ends, and lets the event loop turn. */
  async end(): Promise<void> {
    this.#onOver();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

interface SetUp {
  maxInWork: number;
  maxQueued: number;
  /** In how many turns of the event loop a connection comes, and how many milliseconds each such turn lasts. */
  arrivals?: number;
  accepting?: number;
}

function setUp({ arrivals = 0, accepting = 0, ...limits }: SetUp) {
  const clock = new FakeClock();
  const log: string[] = [];
  let turns = 0;
  const takeArrivals = (): boolean => {
    turns += 1;
    clock.advance(accepting);
    return turns <= arrivals;
  };
  const gate = new LoadGate({ clock, ...limits, takeArrivals });
  const submit = (name: string, options: ConstructorParameters<typeof TestWork>[2] = {}): TestWork => {
    const work = new TestWork(name, log, options);
    gate.submit(work);
    return work;
  };
  return { clock, log, gate, submit };
}

describe('LoadGate', () => {
  it('starts what finds room at once', () => {
    const { log, gate, submit } = setUp({ maxInWork: 2, maxQueued: 2 });
    submit('a');
    submit('b');
    expect(log).toEqual(['run a', 'run b']);
    expect(gate).toMatchObject({ inWork: 2, queued: 0 });
  });

  it('lets the others wait in their order, and turns away what finds the queue full', async () => {
    const { log, gate, submit } = setUp({ maxInWork: 1, maxQueued: 2 });
    const a = submit('a');
    const b = submit('b');
    submit('c');
    submit('d');
    expect(log).toEqual(['run a', 'shed d: 2 requests wait already']);
    await a.end();
    await b.end();
    expect(log.slice(2)).toEqual(['run b', 'run c']);
    expect(gate).toMatchObject({ inWork: 1, queued: 0 });
  });

  it('takes urgent work first', async () => {
    const { log, submit } = setUp({ maxInWork: 1, maxQueued: 10 });
    const a = submit('a');
    submit('ordinary');
    submit('urgent', { isUrgent: true });
    await a.end();
    expect(log).toEqual(['run a', 'run urgent']);
  });

  it('gives urgent work the place of the ordinary work that came last, but not that of other urgent work', () => {
    const { log, submit } = setUp({ maxInWork: 1, maxQueued: 2 });
    submit('a');
    submit('b');
    submit('c');
    submit('urgent 1', { isUrgent: true });
    submit('urgent 2', { isUrgent: true });
    submit('urgent 3', { isUrgent: true });
    expect(log).toEqual([
      'run a',
      'shed c: it gave its place to a request of the control plane',
      'shed b: it gave its place to a request of the control plane',
      'shed urgent 3: 2 requests wait already',
    ]);
  });

  it('keeps a tenth of the places for urgent work', () => {
    const { log, gate, submit } = setUp({ maxInWork: 10, maxQueued: 10 });
    for (let index = 0; index < 10; index += 1) submit(`ordinary ${index}`);
    expect(gate).toMatchObject({ inWork: 9, queued: 1 });
    submit('urgent', { isUrgent: true });
    expect(log.at(-1)).toBe('run urgent');
    expect(gate).toMatchObject({ inWork: 10, queued: 1 });
  });

  it('turns away what is late when it comes', () => {
    const { clock, log, submit } = setUp({ maxInWork: 1, maxQueued: 1 });
    clock.advance(100);
    submit('late', { deadline: 100 });
    expect(log).toEqual(['shed late: it could not be answered before its timeout']);
  });

  it('turns away at once what would have to wait past its deadline, by what requests took lately', async () => {
    const { clock, log, submit } = setUp({ maxInWork: 1, maxQueued: 100 });
    for (let index = 0; index < 30; index += 1) {
      const work = submit(`warm-up ${index}`);
      clock.advance(100);
      await work.end();
    }
    log.length = 0;
    submit('a');
    submit('b');
    submit('c');
    // Two wait before it, each some 100 ms.
    submit('patient', { deadline: clock.monotonic() + 350 });
    submit('hasty', { deadline: clock.monotonic() + 350 });
    expect(log).toEqual(['run a', expect.stringMatching(/^shed hasty: 3 requests wait before it/)]);
  });

  it('turns away what became late in the queue, and forgets whose caller left', async () => {
    const { clock, log, gate, submit } = setUp({ maxInWork: 1, maxQueued: 10 });
    const a = submit('a');
    submit('late', { deadline: 50 });
    const left = submit('left');
    submit('b');
    left.isOver = true;
    clock.advance(60);
    await a.end();
    expect(log).toEqual(['run a', 'shed late: it could not be answered before its timeout', 'run b']);
    expect(gate.queued).toBe(0);
  });

  it('lets the event loop turn when work keeps it busy', async () => {
    const { clock, log, submit } = setUp({ maxInWork: 100, maxQueued: 100 });
    const busy = { takes: () => clock.advance(4) };
    for (const name of ['a', 'b', 'c', 'd', 'e']) submit(name, busy);
    expect(log).toEqual(['run a', 'run b', 'run c']);
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(log).toEqual(['run a', 'run b', 'run c', 'run d', 'run e']);
  });

  it.each([
    { arrivals: 0, accepting: 0, turns: 1 },
    { arrivals: 10, accepting: 0, turns: 11 },
    { arrivals: 10, accepting: 1, turns: 11 },
    { arrivals: Infinity, accepting: 0, turns: 65 },
    { arrivals: Infinity, accepting: 5, turns: 3 },
  ])(
    'goes on with work when no more connections come, or too many: after $turns turns of the loop when $arrivals bring one and take $accepting ms',
    async ({ arrivals, accepting, turns }) => {
      const { clock, log, submit } = setUp({ maxInWork: 100, maxQueued: 100, arrivals, accepting });
      submit('a', { takes: () => clock.advance(30) });
      submit('b');
      let turned = 0;
      for (; log.length === 1 && turned < 100; turned += 1) await new Promise<void>((resolve) => setImmediate(resolve));
      expect({ log, turned }).toEqual({ log: ['run a', 'run b'], turned: turns });
    },
  );
});
