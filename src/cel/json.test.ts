import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readExactJson } from '../json/index.ts';
import { DynType, compile, createEnvironment, fromJson } from './index.ts';
import type { Value } from './index.ts';

const environment = createEnvironment({ variables: { x: DynType }, libraries: [] });

function evaluate(expression: string, x: Value) {
  const compiled = compile(expression, environment);
  if (!compiled.ok) throw new Error(compiled.message);
  return compiled.program.evaluate(new Map([['x', x]]));
}

describe('fromJson()', () => {
  it.each([
    ['1', 1n],
    ['-0', 0n],
    ['1.0', 1],
    ['-0.0', -0],
    ['1e3', 1000],
    ['0.5', 0.5],
    ['9007199254740993', 9007199254740993n],
    ['9223372036854775807', 9223372036854775807n],
    ['-9223372036854775808', -9223372036854775808n],
    ['9223372036854775808', 9223372036854775808],
    ['123456789012345678901234567890', 1.2345678901234568e29],
    ['"text"', 'text'],
    ['true', true],
    ['null', null],
  ])('reads %s as the API server does', (json, value) => {
    expect(fromJson(readExactJson(json))).toBe(value);
  });

  it('takes a whole number of JavaScript for an int and any other for a double', () => {
    expect(fromJson(3)).toBe(3n);
    expect(fromJson(3.5)).toBe(3.5);
    expect(fromJson(2 ** 63)).toBe(2 ** 63);
    expect(fromJson(-(2 ** 63))).toBe(-(2n ** 63n));
    expect(fromJson(1e300)).toBe(1e300);
  });

  it('tells an object that looks like a raw number from one', () => {
    expect(evaluate('x.rawJSON', fromJson({ rawJSON: '1' }))).toMatchObject({ value: '1' });
  });

  it('finds every member by its name, and every element by its place', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), fc.array(fc.string()), (members, elements) => {
        const map = fromJson(members);
        const list = fromJson(elements);
        for (const [key, value] of Object.entries(members)) {
          expect(evaluate(`x[${JSON.stringify(key)}]`, map)).toMatchObject({ value });
        }
        for (const [index, value] of elements.entries()) expect(evaluate(`x[${index}]`, list)).toMatchObject({ value });
        expect(evaluate('x.size()', map)).toMatchObject({ value: BigInt(Object.keys(members).length) });
        expect(evaluate('x.size()', list)).toMatchObject({ value: BigInt(elements.length) });
        expect(evaluate(`x[${elements.length}]`, list)).toMatchObject({ ok: false });
      }),
    );
  });
});
