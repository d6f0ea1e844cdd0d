import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPointer, InvalidPointerError, parsePointer, readJson, resolvePointer } from './index.ts';

describe('parsePointer()', () => {
  it.each<[string, string[]]>([
    ['', []],
    ['/', ['']],
    ['//', ['', '']],
    ['/foo/0', ['foo', '0']],
    ['/a~1b', ['a/b']],
    ['/m~0n', ['m~n']],
    ['/~01', ['~1']],
    ['/~10', ['/0']],
    ['/~0~1', ['~/']],
    ['/ /%25/"', [' ', '%25', '"']],
    ['/__proto__/constructor', ['__proto__', 'constructor']],
  ])('%j → %j', (pointer, tokens) => {
    expect(parsePointer(pointer)).toEqual(tokens);
    expect(formatPointer(tokens)).toBe(pointer);
  });

  it.each([['foo'], [' /foo'], ['#/foo'], ['/~'], ['/a~2b'], ['/a/~/b'], ['/~~0']])('refuses %j', (pointer) => {
    expect(() => parsePointer(pointer)).toThrow(InvalidPointerError);
    expect(() => parsePointer(pointer)).toThrow(JSON.stringify(pointer));
  });

  it('is undone by formatPointer() for any tokens', () => {
    const token = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('/', '~', '0', '1', '') }));
    fc.assert(
      fc.property(fc.array(token), (tokens) => {
        expect(parsePointer(formatPointer(tokens))).toEqual(tokens);
      }),
    );
  });
});

describe('formatPointer()', () => {
  it('writes indexes as digits', () => {
    expect(formatPointer(['spec', 'containers', 0, 'a/b'])).toBe('/spec/containers/0/a~1b');
  });
});

describe('resolvePointer()', () => {
  // RFC 6901 section 5.
  const document = readJson(
    String.raw`{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}`,
  ).value;

  it.each<[string, unknown]>([
    ['', document],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/e^f', 3],
    ['/g|h', 4],
    ['/i\\j', 5],
    ['/k"l', 6],
    ['/ ', 7],
    ['/m~0n', 8],
  ])('finds %j', (pointer, value) => {
    expect(resolvePointer(document, pointer)).toEqual(value);
  });

  it.each([
    ['/foo/2'],
    ['/foo/-'],
    ['/foo/00'],
    ['/foo/01'],
    ['/foo/-1'],
    ['/foo/1e0'],
    ['/foo/ 1'],
    ['/foo/length'],
    ['/foo/0/0'],
    ['/bar'],
    ['/bar/baz'],
    ['/constructor'],
    ['/__proto__'],
    ['/foo/constructor'],
  ])('finds nothing at %j', (pointer) => {
    expect(resolvePointer(document, pointer)).toBeUndefined();
  });

  it('finds own members with the names of inherited ones', () => {
    const hostile = readJson('{"__proto__":{"a":1},"constructor":{"prototype":2}}').value;
    expect(resolvePointer(hostile, '/__proto__/a')).toBe(1);
    expect(resolvePointer(hostile, '/constructor/prototype')).toBe(2);
  });

  it('throws for a text that is no pointer', () => {
    expect(() => resolvePointer({}, 'foo')).toThrow(InvalidPointerError);
  });
});
