import { describe, expect, it } from 'vitest';
import { stopInTurn, stopTogether, type Stop } from './stop-all.ts';

const first = new Error('the first is stuck');
const second = new Error('the second is stuck');

describe.each([
  ['stopInTurn', stopInTurn],
  ['stopTogether', stopTogether],
] as const)('%s()', (_name, stopAll) => {
  const stopping = (errors: readonly (Error | undefined)[]) => {
    const stopped: number[] = [];
    const stops = errors.map((error, index): Stop =>
      index % 2 === 0
        ? async () => {
            await Promise.resolve();
            stopped.push(index);
            if (error !== undefined) throw error;
          }
        : () => {
            stopped.push(index);
            if (error !== undefined) throw error;
          },
    );
    return { stopped, outcome: stopAll(...stops) };
  };

  it('resolves when all are stopped', async () => {
    const { stopped, outcome } = stopping([undefined, undefined, undefined]);
    await outcome;
    expect(stopped.sort()).toEqual([0, 1, 2]);
  });

  it('stops all, whichever fails, and rejects with its error', async () => {
    for (const errors of [
      [first, undefined, undefined],
      [undefined, first, undefined],
      [undefined, undefined, first],
    ]) {
      const { stopped, outcome } = stopping(errors);
      await expect(outcome).rejects.toBe(first);
      expect(stopped.sort()).toEqual([0, 1, 2]);
    }
  });

  it('tells of all errors when there are several, the first as the cause', async () => {
    const { stopped, outcome } = stopping([first, second, undefined]);
    await expect(outcome).rejects.toMatchObject({
      message: 'the first is stuck; the second is stuck',
      errors: [first, second],
      cause: first,
    });
    expect(stopped.sort()).toEqual([0, 1, 2]);
  });
});
