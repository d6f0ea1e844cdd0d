/** Figures of several rounds; on a shared machine the least and the middle one say more than the mean. */
export interface Rounds {
  readonly min: number;
  readonly median: number;
  readonly all: readonly number[];
}

export function summarise(values: readonly number[]): Rounds {
  const sorted = [...values].sort((a, b) => a - b);
  return { min: sorted[0] ?? NaN, median: sorted[Math.floor(sorted.length / 2)] ?? NaN, all: values };
}

/** Runs the subjects in turns, so that all of them meet the same noise. Each resolves with its figure for one round. */
export async function interleaved<Name extends string>(
  rounds: number,
  subjects: Readonly<Record<Name, () => number | Promise<number>>>,
): Promise<Record<Name, Rounds>> {
  const names = Object.keys(subjects) as Name[];
  const figures = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) figures[name].push(await subjects[name]());
  }
  return Object.fromEntries(names.map((name) => [name, summarise(figures[name])])) as Record<Name, Rounds>;
}

/** Microseconds for each of `times` calls. */
export function timePerCall(times: number, call: () => unknown): number {
  const start = performance.now();
  for (let index = 0; index < times; index += 1) call();
  return ((performance.now() - start) * 1000) / times;
}
