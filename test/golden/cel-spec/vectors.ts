/** The vectors of the CEL specification, as @bufbuild/cel-spec carries them. */
import { getConformanceSuite } from '@bufbuild/cel-spec/testdata/tests.js';
import type { IncrementalTestSuite } from '@bufbuild/cel-spec/testdata/tests.js';

/** One expression and what it must give. */
export type SpecTest = IncrementalTestSuite['tests'][number]['original'];

/** A test and where it stands. */
export interface Vector {
  /** `file/section/name`, for example `lists/index/zero_based`. */
  readonly path: string;
  readonly test: SpecTest;
}

/** All vectors of the specification. */
export function readVectors(): readonly Vector[] {
  return getConformanceSuite().suites.flatMap((file) => [...vectorsOf(file, '')]);
}

function* vectorsOf(suite: IncrementalTestSuite, parent: string): Generator<Vector> {
  const path = `${parent}${suite.name}/`;
  for (const { name, original } of suite.tests) yield { path: `${path}${name}`, test: original };
  for (const child of suite.suites) yield* vectorsOf(child, path);
}
