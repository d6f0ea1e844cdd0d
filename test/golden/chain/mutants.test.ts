import { afterAll, describe, expect, it } from 'vitest';
import { faults, firstDifference, mutant, removeMutants } from './mutants.ts';

afterAll(removeMutants);

/** A copy alone shows nothing, so what shows is the fault. */
it('a copy of the engine without a fault goes as recorded', async () => {
  const same = 'export class AdmissionChain';
  const copy = await mutant({ name: 'none', file: 'chain.ts', find: same, replace: same, noticedIn: 'order' });
  expect(await firstDifference(copy, 'order')).toBeUndefined();
}, 120_000);

/** The recordings are only worth something if a fault in the engine shows in them. */
describe('the recordings notice that', () => {
  it.each(faults)('$name', async (fault) => {
    expect(await firstDifference(await mutant(fault), fault.noticedIn)).toBeDefined();
  });
});
