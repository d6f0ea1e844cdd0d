import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BoolType,
  DynType,
  IntType,
  NullType,
  StringType,
  compile,
  createAdmissionEnvironment,
  createEnvironment,
  listType,
  mapType,
} from './index.ts';

const environment = createEnvironment({
  variables: { x: DynType, name: StringType, count: IntType, labels: mapType(StringType, StringType) },
  libraries: [],
});

describe('compile()', () => {
  it('places an issue by line and column, in code points', () => {
    const result = compile('"😀" +\n  cuont', environment);
    expect(result).toEqual({
      ok: false,
      issues: [{ line: 2, column: 3, message: "undeclared reference to 'cuont' (in container '')" }],
      message:
        "compilation failed: ERROR: <input>:2:3: undeclared reference to 'cuont' (in container '')\n |   cuont\n | ..^",
    });
    expect(compile('"😀😀" + count', environment)).toMatchObject({ issues: [{ line: 1, column: 6 }] });
  });

  it('tells every issue, in the order of the text', () => {
    const result = compile('a + b.c(d)', environment);
    expect(result.ok ? [] : result.message.match(/<input>:.*/g)).toEqual([
      "<input>:1:1: undeclared reference to 'a' (in container '')",
      "<input>:1:5: undeclared reference to 'b' (in container '')",
      "<input>:1:8: undeclared reference to 'c' (in container '')",
      "<input>:1:9: undeclared reference to 'd' (in container '')",
    ]);
    expect(result.ok ? 0 : result.issues.length).toBe(4);
  });

  it('lists a hundred issues and counts the others', () => {
    const result = compile(Array.from({ length: 103 }, (_, index) => `v${index}`).join(' || '), environment);
    expect(result.ok ? 0 : result.issues.length).toBe(103);
    expect(result.ok ? '' : result.message).toMatch(/'v99' \(in container ''\)\n.*\n.*\n3 more errors were truncated$/);
  });

  describe('wants the result type exactly', () => {
    it.each([
      ['count > 1', BoolType],
      ['labels', mapType(StringType, StringType)],
      ['[count]', listType(IntType)],
      ['name', [NullType, StringType]],
      ['null', [NullType, StringType]],
      ['x', DynType],
    ])('%s', (expression, resultType) => {
      expect(compile(expression, environment, { resultType })).toMatchObject({ ok: true });
    });

    it.each([
      ['count', BoolType, 'must evaluate to bool but got int'],
      ['x', BoolType, 'must evaluate to bool but got dyn'],
      ['[1]', listType(StringType), 'must evaluate to list(string) but got list(int)'],
      ['true', [StringType, NullType], 'must evaluate to one of [string null_type] but got bool'],
    ])('%s is not it', (expression, resultType, message) => {
      expect(compile(expression, environment, { resultType })).toEqual({
        ok: false,
        issues: [{ line: -1, column: 0, message }],
        message,
      });
    });
  });

  it('finds constants that cannot be evaluated', () => {
    expect(compile('int("x")', environment)).toMatchObject({
      message: "program instantiation failed: type conversion error from 'string' to 'int'",
    });
    expect(compile('name.matches("(")', environment)).toMatchObject({
      issues: [{ line: 1, column: 14, message: 'invalid matches argument' }],
    });
  });

  describe('refuses what is too great', () => {
    const recursion = 'compilation failed: ERROR: <input>:-1:0: expression recursion limit exceeded: 250';
    const depth = 'compilation failed: ERROR: <input>:-1:0: max recursion depth exceeded';

    it.each([
      ['parentheses', `${'('.repeat(10_000)}1${')'.repeat(10_000)}`, recursion],
      ['lists', `${'['.repeat(10_000)}1${']'.repeat(10_000)}`, recursion],
      ['open brackets', '['.repeat(99_999), recursion],
      ['sums', Array.from({ length: 25_000 }, () => '1').join('+'), depth],
      ['selections', `x${'.a'.repeat(49_000)}`, depth],
      ['indexes', `x${'[0]'.repeat(30_000)}`, depth],
      ['calls', `x${'.size()'.repeat(14_000)}`, depth],
    ])('%s', (_, expression, message) => {
      expect(compile(expression, environment)).toMatchObject({ ok: false, message });
    });

    it('text', () => {
      expect(compile(`"${'😀'.repeat(99_998)}"`, environment)).toMatchObject({ ok: true });
      expect(compile(`"${'😀'.repeat(99_999)}"`, environment)).toMatchObject({
        issues: [
          { line: -1, column: 0, message: 'expression code point size exceeds limit: size: 100001, limit 100000' },
        ],
      });
    });
  });

  it.each([
    ['a list of lists', `[${'[],'.repeat(33_000)}[]]`],
    ['a chain of ||', Array.from({ length: 12_000 }, () => '1 == 2').join('||')],
    ['many macros', Array.from({ length: 2000 }, () => '[1, 2].map(n, n + 1).size() > 0').join(' && ')],
    ['many unknown names', Array.from({ length: 9000 }, (_, index) => `v${index}`).join(' && ')],
    ['nothing but quotes', '"'.repeat(99_999)],
    ['nothing but operators', '+ '.repeat(49_000)],
    ['brackets of all kinds', 'a.b( [ } ) : ? '.repeat(6000)],
  ])('takes no more than seconds for a long text: %s', (_, expression) => {
    const start = performance.now();
    compile(expression, environment);
    expect(performance.now() - start).toBeLessThan(15_000);
  });

  it('never throws, whatever the text', () => {
    const admission = createAdmissionEnvironment();
    const token = fc.constantFrom(
      ...['(', ')', '[', ']', '{', '}', '.', '?', ':', ',', '+', '-', '!', '&&', '||', '==', 'in', '<', '"', "'", '`'],
      ...['r"', 'b"', '\\', '\n', '//', '1', '0x', '1e', '2u', 'a', 'object', 'all', 'map', 'has', 'true', '@', '😀'],
      ...['[].all(x, ', 'optMap(', 'cel.bind(', 'request.', 'format(', '{?', '[?', '.?'],
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 30 }), fc.constantFrom('', ' '), (tokens, space) => {
        const result = compile(tokens.join(space), admission);
        expect(result.ok || result.message.length > 0).toBe(true);
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
        expect(() => compile(text, admission)).not.toThrow();
      }),
    );
  });
});
