import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { apply, diff, type JsonObject, type JsonValue } from '../../json/index.ts';
import { applyPatch, PatchNotApplicableError, PatchPanicError, UndecodablePatchError } from '../index.ts';

interface Recorded {
  readonly patch: string;
  readonly panic?: boolean;
  readonly decode?: string;
  readonly apply?: string;
  readonly out?: string;
}

/** Recorded from gopkg.in/evanphx/json-patch.v4 v4.13.0 by tools/golden/json-patch/main.go. */
const { document, cases } = JSON.parse(readFileSync(new URL('testdata/library.json', import.meta.url), 'utf8')) as {
  readonly document: string;
  readonly cases: readonly Recorded[];
};

function outcome(patch: string): Omit<Recorded, 'patch' | 'out'> & { readonly out?: JsonValue } {
  try {
    return { out: applyPatch(JSON.parse(document) as JsonObject, patch) };
  } catch (error) {
    if (error instanceof PatchPanicError) return { panic: true };
    if (error instanceof UndecodablePatchError) return { decode: error.message };
    if (error instanceof PatchNotApplicableError) return { apply: error.message };
    throw error;
  }
}

describe("applyPatch() does what the API server's library does", () => {
  it.each(cases)('with $patch', ({ patch, ...recorded }) => {
    const { out, ...others } = outcome(patch);
    // Numbers that the patch brought keep their text; here only their value counts.
    const asRead = out === undefined ? {} : { out: JSON.parse(JSON.stringify(out)) as unknown };
    const expected = recorded.out === undefined ? recorded : { out: JSON.parse(recorded.out) as unknown };
    expect({ ...others, ...asRead }).toEqual(expected);
  });
});

// By way of JSON text: a -0 in memory would be compared, though it is written as 0.
const json = fc.json({ maxDepth: 4 }).map((text) => JSON.parse(text) as JsonValue);
const object = fc.dictionary(fc.string(), json).map((value) => value as JsonObject);

describe('applyPatch()', () => {
  it('applies what diff() makes, as RFC 6902 has it', () => {
    fc.assert(
      fc.property(object, object, (before, after) => {
        const patch = diff(before, after);
        expect(applyPatch(before, patch as unknown as JsonValue)).toEqual(apply(before, patch));
      }),
    );
  });

  it('changes neither argument and shares what it does not touch', () => {
    const before = { kept: { deep: [1] }, changed: { a: 1 } };
    const frozen = structuredClone(before);
    const after = applyPatch(before, [{ op: 'add', path: '/changed/b', value: 2 }]) as typeof before;
    expect([before, after]).toEqual([frozen, { kept: { deep: [1] }, changed: { a: 1, b: 2 } }]);
    expect(after.kept).toBe(before.kept);
  });

  it('writes no prototype', () => {
    const after = applyPatch({}, '[{"op":"add","path":"/__proto__","value":{"polluted":true}}]') as JsonObject;
    expect(Object.keys(after)).toEqual(['__proto__']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('says so when a comparison is nested deeper than it can go', () => {
    const deep = '['.repeat(9000) + ']'.repeat(9000);
    const patch = `[{"op":"add","path":"/a","value":${deep}},{"op":"test","path":"/a","value":${deep}}]`;
    expect(() => applyPatch({}, patch)).toThrow(PatchNotApplicableError);
  });
});
