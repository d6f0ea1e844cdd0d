import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/fake-clock.ts';
import { LineWriter, type LineTarget } from './index.ts';

/** Keeps what it gets; can be told to fail, or to let wait. */
class MemoryTarget implements LineTarget {
  readonly writes: string[] = [];
  problem: Error | undefined;
  isClosed = false;
  #hold: PromiseWithResolvers<void> | undefined;

  hold(): void {
    this.#hold = Promise.withResolvers();
  }

  letGo(): void {
    this.#hold?.resolve();
    this.#hold = undefined;
  }

  async append(lines: Buffer): Promise<void> {
    await this.#hold?.promise;
    if (this.problem !== undefined) throw this.problem;
    this.appendSync(lines);
  }

  appendSync(lines: Buffer): void {
    this.writes.push(lines.toString());
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

function setUp(maxWaiting?: number) {
  const clock = new FakeClock();
  const target = new MemoryTarget();
  const told: string[] = [];
  let dropped = 0;
  const writer = new LineWriter({
    target,
    clock,
    ...(maxWaiting !== undefined && { maxWaiting }),
    onDrop: () => (dropped += 1),
    onProblem: (problem) => told.push(problem?.message ?? 'well again'),
  });
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { clock, target, writer, told, settle, dropped: () => dropped };
}

describe('LineWriter', () => {
  it('writes what comes within a tenth of a second at once, in order', async () => {
    const { clock, target, writer, settle } = setUp();
    writer.write('a');
    writer.write('b');
    expect(target.writes).toEqual([]);
    clock.advance(100);
    await settle();
    writer.write('c');
    clock.advance(100);
    await settle();
    expect(target.writes).toEqual(['a\nb\n', 'c\n']);
  });

  it('does not wait for the time when there is much', async () => {
    const { target, writer, settle } = setUp();
    writer.write('x'.repeat(64 * 1024));
    await settle();
    expect(target.writes).toHaveLength(1);
  });

  it('has one write on its way at a time', async () => {
    const { clock, target, writer, settle } = setUp();
    target.hold();
    writer.write('a');
    clock.advance(100);
    writer.write('b');
    writer.write('c');
    clock.advance(1000);
    await settle();
    target.letGo();
    await settle();
    clock.advance(100);
    await settle();
    expect(target.writes).toEqual(['a\n', 'b\nc\n']);
  });

  it('keeps what a failing target refused, says so once, and writes it when that is well again', async () => {
    const { clock, target, writer, told, settle, dropped } = setUp();
    target.problem = new Error('no space');
    writer.write('a');
    clock.advance(100);
    await settle();
    writer.write('b');
    clock.advance(1000);
    await settle();
    target.problem = undefined;
    clock.advance(1000);
    await settle();
    clock.advance(100);
    await settle();
    expect(target.writes).toEqual(['a\n', 'b\n']);
    expect(told).toEqual(['no space', 'well again']);
    expect(dropped()).toBe(0);
  });

  it('drops and counts what does not fit while nothing is taken, and no more', async () => {
    const { clock, target, writer, settle, dropped } = setUp(100);
    target.hold();
    for (let line = 0; line < 1000; line += 1) writer.write('123456789');
    expect(dropped()).toBe(990);
    clock.advance(100);
    for (let line = 0; line < 1000; line += 1) writer.write('123456789');
    expect(dropped()).toBe(1990);
    target.letGo();
    await settle();
    expect(target.writes).toEqual(['123456789\n'.repeat(10)]);
    writer.write('again');
    clock.advance(100);
    await settle();
    expect(target.writes.at(-1)).toBe('again\n');
  });

  it('close() writes the rest, closes the target, and drops what comes later', async () => {
    const { target, writer, dropped } = setUp();
    writer.write('a');
    await writer.close();
    expect(target).toMatchObject({ writes: ['a\n'], isClosed: true });
    writer.write('b');
    expect(dropped()).toBe(1);
    await writer.close();
  });

  it.each([
    ['fails', (target: MemoryTarget) => (target.problem = new Error('no space'))],
    ['stands still', (target: MemoryTarget) => target.hold()],
  ])('close() gives up on a target that %s, and counts the rest', async (_name, spoil) => {
    const { clock, target, writer, settle, dropped } = setUp();
    spoil(target);
    writer.write('a');
    writer.write('b');
    const closed = writer.close();
    await settle();
    clock.advance(3000);
    await closed;
    expect(dropped()).toBe(2);
    expect(target).toMatchObject({ writes: [], isClosed: true });
  });

  it('flushSync() hands over what waits, and what was refused, once', async () => {
    const { clock, target, writer, settle } = setUp();
    target.problem = new Error('no space');
    writer.write('a');
    clock.advance(100);
    await settle();
    writer.write('b');
    target.problem = undefined;
    writer.flushSync();
    clock.advance(1000);
    await settle();
    expect(target.writes).toEqual(['a\nb\n']);
  });
});
