import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BoolType,
  Duration,
  DynType,
  IntType,
  ListValue,
  StringType,
  Timestamp,
  Uint,
  compile,
  createAdmissionEnvironment,
  createEnvironment,
  fromJson,
  listType,
} from './index.ts';
import type { Activation, EvaluateOptions, Value } from './index.ts';

const environment = createEnvironment({
  variables: { x: DynType, y: DynType, numbers: listType(IntType), name: StringType },
  libraries: [],
});

function evaluate(expression: string, variables: Readonly<Record<string, Value>> = {}, options?: EvaluateOptions) {
  const compiled = compile(expression, environment);
  if (!compiled.ok) throw new Error(compiled.message);
  return compiled.program.evaluate(new Map(Object.entries(variables)), options);
}

describe('Program.evaluate()', () => {
  it('gives the value and what it cost', () => {
    expect(evaluate('name.startsWith("a")', { name: 'abc' })).toEqual({ ok: true, value: true, cost: 2 });
  });

  it('gives the error and what it cost', () => {
    expect(evaluate('1 / x', { x: 0n })).toEqual({ ok: false, error: { message: 'division by zero' }, cost: 2 });
  });

  it('keeps nothing of an evaluation', () => {
    const compiled = compile('numbers.map(n, n + 1).filter(n, n > 1).size()', environment);
    if (!compiled.ok) throw new Error(compiled.message);
    const numbers = fromJson([0, 1, 2]);
    const first = compiled.program.evaluate(new Map([['numbers', numbers]]));
    compiled.program.evaluate(new Map([['numbers', fromJson(['not a number'])]]));
    expect(compiled.program.evaluate(new Map([['numbers', numbers]]))).toEqual(first);
    expect(first).toMatchObject({ ok: true, value: 2n });
  });

  it('asks for the variables it needs only', () => {
    const asked: string[] = [];
    const activation: Activation = {
      get(name) {
        asked.push(name);
        return name === 'x' ? true : undefined;
      },
    };
    const compiled = compile('x || y', environment);
    if (!compiled.ok) throw new Error(compiled.message);
    expect(compiled.program.evaluate(activation)).toMatchObject({ ok: true, value: true });
    expect(asked).toEqual(['x']);
  });

  it('says which variable has no value', () => {
    expect(evaluate('x == 1')).toMatchObject({ error: { message: 'no such attribute(s): x' } });
  });

  describe('stops', () => {
    const numbers = fromJson(Array.from({ length: 300 }, (_, index) => index));

    it.each([
      'numbers.all(a, numbers.all(b, numbers.all(c, a + b + c >= 0)))',
      'numbers.map(a, numbers.map(b, numbers.map(c, a * b * c))).size() > 0',
      'numbers.exists(a, numbers.exists(b, numbers.exists(c, a * b * c < 0)))',
    ])('at the limit of costs, soon: %s', (expression) => {
      const start = performance.now();
      const result = evaluate(expression, { numbers });
      expect(performance.now() - start).toBeLessThan(5000);
      expect(result).toMatchObject({
        ok: false,
        error: { message: 'operation cancelled: actual cost limit exceeded' },
      });
      expect(result.cost).toBeGreaterThan(1_000_000);
      expect(result.cost).toBeLessThan(1_000_100);
    });

    it.each([
      [{ costLimit: 5 }, { ok: true, value: 6n, cost: 5 }],
      [{ costLimit: 4 }, { ok: false, error: { message: 'operation cancelled: actual cost limit exceeded' }, cost: 5 }],
      [{ costLimit: 0 }, { ok: false, error: { message: 'operation cancelled: actual cost limit exceeded' }, cost: 1 }],
    ])('at the limit %j', (options, expected) => {
      expect(evaluate('x + x + x', { x: 2n }, options)).toEqual(expected);
    });

    it('when it is aborted, at the next hundredth step', () => {
      let looks = 0;
      const signal = {
        get aborted() {
          looks++;
          return looks === 3;
        },
      };
      const result = evaluate('numbers.all(a, numbers.all(b, b >= 0))', { numbers }, { signal });
      expect(result).toMatchObject({ ok: false, error: { message: 'operation interrupted' } });
      expect(looks).toBe(3);
    });

    it('never within an evaluation without loops', () => {
      expect(evaluate('1 + 1', {}, { signal: AbortSignal.abort() })).toMatchObject({ ok: true, value: 2n });
    });
  });
});

describe('values and their texts', () => {
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const isTrue = (expression: string, variables: Readonly<Record<string, Value>>) => {
    expect(evaluate(expression, variables)).toMatchObject({ ok: true, value: true });
  };

  it.each([
    ['int', int64],
    ['uint', fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => new Uint(value))],
    ['double', fc.double({ noNaN: true })],
    ['string', fc.string()],
    ['bool', fc.boolean()],
    // Printed by way of a double, as Go does, so not all of them come back.
    ['duration', fc.maxSafeNat().map((milliseconds) => new Duration(BigInt(milliseconds % 1e12) * 1_000_000n))],
    [
      'timestamp',
      fc
        .tuple(fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), fc.integer({ min: 0, max: 999_999_999 }))
        .map(([seconds, nanoseconds]) => new Timestamp(seconds, nanoseconds)),
    ],
  ])('%s(string(x)) == x', (type, values: fc.Arbitrary<Value>) => {
    fc.assert(fc.property(values, (x) => isTrue(`${type}(string(x)) == x`, { x })));
  });

  it('bytes(string(bytes(x))) == bytes(x)', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (x) => isTrue('bytes(string(bytes(x))) == bytes(x)', { x })),
    );
  });

  it('count code points', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (x) => {
        expect(evaluate('size(x)', { x })).toMatchObject({ value: BigInt(Array.from(x).length) });
      }),
    );
  });
});

describe('numbers', () => {
  const small = fc.integer({ min: -3, max: 3 });
  const numbers: fc.Arbitrary<Value> = fc.oneof(
    small.map(BigInt),
    small.map((value) => value / 2),
    fc.constantFrom(new Uint(0n), new Uint(1n), new Uint(2n ** 64n - 1n)),
    fc.constantFrom(2n ** 53n, 2n ** 53n + 1n, 2 ** 53, 2n ** 63n - 1n, 2 ** 63, -(2 ** 63), -(2n ** 63n)),
    fc.constantFrom(Infinity, -Infinity, 1e300),
  );
  const holds = (expression: string, x: Value, y: Value) => {
    const result = evaluate(expression, { x, y });
    return result.ok ? result.value : result;
  };

  it('have one order across int, uint and double', () => {
    fc.assert(
      fc.property(numbers, numbers, (x, y) => {
        expect(holds('[x < y, x == y, x > y].filter(is, is).size() == 1', x, y)).toBe(true);
        expect(holds('(x < y) == (y > x) && (x <= y) == (y >= x)', x, y)).toBe(true);
        expect(holds('(x <= y) == (x < y || x == y) && (x == y) == (y == x)', x, y)).toBe(true);
      }),
    );
  });

  it('are found in lists and maps by value, whatever their type', () => {
    fc.assert(
      fc.property(numbers, numbers, (x, y) => {
        expect(holds('(x in [y]) == (x == y)', x, y)).toBe(true);
      }),
    );
    expect(evaluate('{1: "one"}[x] == "one"', { x: 1 })).toMatchObject({ value: true });
    expect(evaluate('x in {1u: "one"}', { x: 1n })).toMatchObject({ value: true });
  });

  it('overflow as int64 and uint64 do', () => {
    const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(fc.constantFrom('+', '-', '*'), int64, int64, (operator, x, y) => {
        const exact = operator === '+' ? x + y : operator === '-' ? x - y : x * y;
        const fits = exact === BigInt.asIntN(64, exact);
        expect(evaluate(`x ${operator} y`, { x, y })).toMatchObject(
          fits ? { ok: true, value: exact } : { ok: false, error: { message: 'integer overflow' } },
        );
      }),
    );
  });
});

describe('the logical operators', () => {
  /** An operand: true, false or an error. */
  const operand = fc.constantFrom(['true', true], ['false', false], ['1 / 0 > 0', undefined]) as fc.Arbitrary<
    readonly [string, boolean | undefined]
  >;

  it('hide errors that do not matter, on either side', () => {
    fc.assert(
      fc.property(operand, operand, ([left, a], [right, b]) => {
        const or = a === true || b === true ? true : a === undefined || b === undefined ? undefined : false;
        const and = a === false || b === false ? false : a === undefined || b === undefined ? undefined : true;
        const outcome = (expression: string) => {
          const result = evaluate(expression);
          return result.ok ? result.value : undefined;
        };
        expect(outcome(`(${left}) || (${right})`)).toBe(or);
        expect(outcome(`(${left}) && (${right})`)).toBe(and);
        expect(outcome(`[0, 1].exists(i, i == 0 ? ${left} : ${right})`)).toBe(or);
        expect(outcome(`[0, 1].all(i, i == 0 ? ${left} : ${right})`)).toBe(and);
      }),
    );
  });
});

describe('a plain condition on a request', () => {
  it('reads no more of the request than it names', () => {
    const read: string[] = [];
    const watched = (name: string, target: object): object =>
      new Proxy(target, {
        get(inner, key) {
          if (typeof key === 'string') read.push(`${name}.${key}`);
          const value: unknown = Reflect.get(inner, key);
          return typeof value === 'object' && value !== null ? watched(`${name}.${String(key)}`, value) : value;
        },
      });
    const request = { userInfo: { username: 'system:node:a', groups: ['system:nodes'] }, options: { a: { b: 1 } } };
    const compiled = compile('request.userInfo.username.startsWith("system:node:")', createAdmissionEnvironment(), {
      resultType: BoolType,
    });
    if (!compiled.ok) throw new Error(compiled.message);
    const variables = new Map([['request', fromJson(watched('request', request) as typeof request)]]);
    expect(compiled.program.evaluate(variables)).toEqual({ ok: true, value: true, cost: 5 });
    expect(read).toEqual(['request.userInfo', 'request.userInfo.username']);
  });

  it('keeps the elements of a list as they came until one is asked for', () => {
    const value = fromJson(['a', { b: [1] }]);
    expect(value).toBeInstanceOf(ListValue);
    expect(evaluate('x[0]', { x: value })).toMatchObject({ value: 'a' });
    expect(evaluate('x[1].b[0]', { x: value })).toMatchObject({ value: 1n });
  });
});
