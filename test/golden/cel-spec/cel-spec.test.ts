import { describe, expect, it } from 'vitest';
import { actualOutcome, expectedOutcome, isAsExpected } from './run-vector.ts';
import { skips } from './skips.ts';
import { readVectors } from './vectors.ts';
import type { Vector } from './vectors.ts';

const vectors = readVectors();
const applicable = (vector: Vector) => !skips.some(({ applies }) => applies(vector));

describe('CEL specification', () => {
  it.each(vectors.filter(applicable))('$path', ({ test }) => {
    const expected = expectedOutcome(test);
    const actual = actualOutcome(test);
    if (!isAsExpected(expected, actual, test)) expect({ ...actual, of: test.expr }).toEqual(expected);
  });
});

describe('vectors that Kubernetes does not follow', () => {
  const left = new Map(skips.map(({ reason }) => [reason, [] as Vector[]]));
  for (const vector of vectors) {
    const skip = skips.find(({ applies }) => applies(vector));
    if (skip !== undefined) left.get(skip.reason)?.push(vector);
  }

  it.each(skips)('$count: $reason', ({ reason, count }) => {
    expect(left.get(reason)).toHaveLength(count);
  });

  it.each(skips)('none follows: $reason', ({ reason }) => {
    const following = left.get(reason)?.filter(({ test }) => {
      const expected = expectedOutcome(test);
      // What has no meaning in Kubernetes fails anyway, so a failure says nothing.
      return !('evaluationError' in expected) && isAsExpected(expected, actualOutcome(test), test);
    });
    expect(following?.map(({ path }) => path)).toEqual([]);
  });

  it('leaves most of the specification', () => {
    expect([vectors.length, vectors.filter(applicable).length]).toEqual([2344, 1311]);
  });
});
