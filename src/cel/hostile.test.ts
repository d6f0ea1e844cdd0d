/**
 * What a policy meets when somebody crafts the object it looks at, within the size that the API server takes. Bounds
 * of time are wide, since a machine may be busy; what they rule out takes minutes.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ListValue, compile, createAdmissionEnvironment, fromJson } from './index.ts';
import { rawNumber } from '../json/index.ts';
import type { JsonValue } from '../json/index.ts';

const environment = createAdmissionEnvironment();

function evaluate(expression: string, object: JsonValue) {
  const compiled = compile(expression, environment);
  if (!compiled.ok) throw new Error(compiled.message);
  return compiled.program.evaluate(new Map([['object', fromJson(object)]]));
}

function millisecondsOf(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

describe('a crafted object', () => {
  const LENGTH = 1_400_000;
  const half = 'a'.repeat(LENGTH / 4);
  const object = {
    spaces: `x${' '.repeat(LENGTH)}x`,
    digits: '1'.repeat(LENGTH),
    letters: 'a'.repeat(LENGTH),
    almost: `${half}b${half}`,
    pairs: 'ab'.repeat(LENGTH / 2),
  };

  it.each([
    'object.letters.indexOf(object.almost) == -1',
    'object.letters.lastIndexOf(object.almost) == -1',
    'object.letters.split(object.almost).size() == 1',
    'object.letters.replace(object.almost, "") == object.letters',
    'object.spaces.trim() == object.spaces',
    '(object.letters + "!").matches("^(a+)+$") == false',
    'object.pairs.matches("^(ab|a|b)+$")',
    'object.pairs.upperAscii().size() == 1400000',
    'object.letters.charAt(1000000) == "a"',
  ])('takes no more than seconds: %s', (expression) => {
    let result: unknown;
    expect(millisecondsOf(() => (result = evaluate(expression, object)))).toBeLessThan(10_000);
    expect(result).toMatchObject({ ok: true, value: true });
  });

  it.each([
    ['object.letters.contains(object.almost)', 'operation cancelled: actual cost limit exceeded'],
    ['object.letters.matches(object.almost)', 'operation cancelled: actual cost limit exceeded'],
    ['object.letters.replace("a", object.letters)', 'string longer than 67108864 characters'],
    ['object.pairs.split("").join(object.letters)', 'string longer than 67108864 characters'],
    ['int(object.digits)', "type conversion error from 'string' to 'int'"],
    ['uint(object.digits)', "type conversion error from 'string' to 'uint'"],
    ['double(object.digits + "x")', "type conversion error from 'string' to 'double'"],
    ['duration(object.digits)', "type conversion error from 'string' to 'google.protobuf.Duration'"],
    ['timestamp(object.digits)', "type conversion error from 'string' to 'google.protobuf.Timestamp'"],
  ])('fails as soon: %s', (expression, message) => {
    let result: ReturnType<typeof evaluate> | undefined;
    expect(millisecondsOf(() => (result = evaluate(expression, object)))).toBeLessThan(10_000);
    expect(result?.ok === false ? result.error.message : undefined).toBe(message);
  });

  it('may have two long lists of which one is asked for the elements of the other', () => {
    const names = Array.from({ length: 80_000 }, (_, index) => `name-${index}`);
    const lists = { some: names, all: [...names].reverse(), numbers: names.map((_, index) => index) };
    const start = performance.now();
    expect(evaluate('object.some.all(name, name in object.all)', lists)).toMatchObject({ ok: true, value: true });
    expect(evaluate('object.numbers.all(n, double(n) in object.numbers)', lists)).toMatchObject({ value: true });
    expect(evaluate('object.numbers.exists(n, string(n) in object.all)', lists)).toMatchObject({ value: false });
    expect(performance.now() - start).toBeLessThan(20_000);
  });

  it('cannot make a string that fills the memory', () => {
    const doubled = `[object.letters]${'.map(text, text + text)'.repeat(20)}[0].size()`;
    expect(evaluate(doubled, object)).toMatchObject({ error: { message: 'string longer than 67108864 characters' } });
  });

  it('may nest deeper than the stack', () => {
    let nested: JsonValue = [];
    for (let depth = 0; depth < 100_000; depth++) nested = [nested];
    const result = evaluate('object.a == object.b', { a: nested, b: [nested] });
    expect(result.ok ? 'a value' : result.error.message).toMatch(/^internal error: /);
  });

  it('has no keys but its own', () => {
    const inherited = ['constructor', '__proto__', 'toString', 'hasOwnProperty'];
    for (const key of inherited) {
      expect(evaluate(`has(object.${key})`, {})).toMatchObject({ value: false });
      expect(evaluate(`"${key}" in object`, {})).toMatchObject({ value: false });
      expect(evaluate(`object[?"${key}"].hasValue()`, {})).toMatchObject({ value: false });
    }
    expect(evaluate('object["__proto__"]', JSON.parse('{"__proto__": 1}') as JsonValue)).toMatchObject({ value: 1n });
  });
});

describe('searches that the engine would do too slowly', () => {
  // Long and repetitive, so that what is searched is often nearly there.
  const repetitive = fc
    .tuple(
      fc.string({ unit: fc.constantFrom('a', 'b', '😀'), minLength: 2, maxLength: 5 }),
      fc.string({ maxLength: 3 }),
    )
    .map(([unit, odd]) => `${unit.repeat(1200)}${odd}${unit.repeat(1200)}`);
  const searched = fc
    .tuple(repetitive, fc.double({ min: 0, max: 0.3, noNaN: true }), fc.boolean())
    .map(([text, cut, isThere]) => {
      const characters = Array.from(text);
      const start = Math.floor(characters.length * cut);
      const part = characters.slice(start, start + Math.floor(characters.length * 0.6)).join('');
      return { text, part: isThere ? part : `${part}c` };
    })
    .filter(({ text, part }) => text.length * part.length > 10_000_000);

  it('find what the engine finds', () => {
    const find = compile(
      `[object.text.indexOf(object.part), object.text.lastIndexOf(object.part),
        object.text.indexOf(object.part, object.start), object.text.lastIndexOf(object.part, object.start),
        object.text.split(object.part).size()]`,
      environment,
    );
    if (!find.ok) throw new Error(find.message);
    fc.assert(
      fc.property(searched, fc.nat({ max: 1000 }), ({ text, part }, start) => {
        const result = find.program.evaluate(new Map([['object', fromJson({ text, part, start })]]));
        const found = result.ok && result.value instanceof ListValue ? [...result.value] : result;
        const offset = Array.from(text).slice(0, start).join('').length;
        const places = [
          text.indexOf(part),
          text.lastIndexOf(part),
          text.indexOf(part, offset),
          text.lastIndexOf(part, offset),
        ].map((place) => (place < 0 ? -1 : Array.from(text.slice(0, place)).length));
        expect(found).toEqual([...places, text.split(part).length].map(BigInt));
      }),
      { numRuns: 50 },
    );
  });
});

describe('asking a long list again and again', () => {
  const scalar = fc.oneof(
    fc.constantFrom(null, true, false, '', 'a', '1', '#1;', 's1:a', 'null'),
    fc.integer({ min: -2, max: 2 }).map((value) => value / 2),
    fc.constantFrom({ a: 1, b: 2 }, { b: 2, a: 1 }),
    fc.constantFrom(2 ** 53, 2 ** 60, -0, 1e300, ...['9007199254740993', '1.0', `${2n ** 60n}.0`].map(rawNumber)),
  ) as fc.Arbitrary<JsonValue>;
  const { value: json } = fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      scalar,
      fc.array(tie('value'), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom('a', 'b', '1'), tie('value'), { maxKeys: 2 }),
    ),
  }));

  it('finds what looking through it finds', () => {
    const expression = 'object.asked.map(x, x in object.list) == object.asked.map(x, object.list.exists(y, x == y))';
    fc.assert(
      fc.property(fc.array(json, { minLength: 1, maxLength: 20 }), fc.array(json), (elements, asked) => {
        const list = Array.from({ length: 100 }, (_, index) => elements[index % elements.length] ?? null);
        expect(evaluate(expression, { list, asked })).toMatchObject({ ok: true, value: true });
      }),
    );
  });
});
