import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rawNumber } from '../json/raw-number.ts';
import { maxDecimalPlaces, Quantity, QuantityError, type QuantityFormat } from './quantity.ts';

/** What tools/control-plane/cmd/golden-quantity writes. */
interface Golden {
  readonly parsed: readonly {
    readonly text: string;
    readonly error?: string;
    readonly string: string;
    readonly canonical: string;
    readonly format: QuantityFormat;
    readonly sign: number;
    readonly integer?: string;
    readonly float: string;
    /** At the scales 10^-9, 10^-3, 1 and 10^3. */
    readonly roundUp: readonly string[];
  }[];
  readonly arithmetic: readonly {
    readonly a: string;
    readonly b: string;
    readonly sum: string;
    readonly sumFormat: QuantityFormat;
    readonly integerSum?: string;
    readonly floatSum: string;
    readonly difference: string;
    readonly negated: string;
    readonly compared: number;
  }[];
}

const golden = JSON.parse(readFileSync(new URL('../../test/golden/quantity.json', import.meta.url), 'utf8')) as Golden;

describe('Quantity as the Go library', () => {
  const accepted = golden.parsed.filter(({ error }) => error === undefined);
  const refused = golden.parsed.filter(({ error }) => error !== undefined);

  test('parse() and what is told of the value', () => {
    const ours = accepted.map(({ text }) => {
      const quantity = Quantity.parse(text);
      return {
        text,
        string: quantity.toString(),
        canonical: quantity.negate().negate().toString(),
        format: quantity.format,
        sign: quantity.sign(),
        integer: quantity.asInteger()?.toString(),
        float: quantity.asApproximateFloat(),
        roundUp: [-9, -3, 0, 3].map((scale) => quantity.roundUp(scale).toString()),
      };
    });
    expect(ours).toEqual(accepted.map((each) => ({ ...each, float: goFloat(each.float) })));
    expect(accepted.length).toBeGreaterThan(300);
  });

  test('parse() refuses in the same words', () => {
    expect(refused.map(({ text }) => ({ text, error: refusalOf(text) }))).toEqual(
      refused.map(({ text, error }) => ({ text, error })),
    );
    expect(refused.length).toBeGreaterThan(50);
  });

  test('arithmetic', () => {
    const ours = golden.arithmetic.map((pair) => {
      const [a, b] = [Quantity.parse(pair.a), Quantity.parse(pair.b)];
      const sum = a.add(b);
      return {
        a: pair.a,
        b: pair.b,
        sum: sum.toString(),
        sumFormat: sum.format,
        integerSum: sum.asInteger()?.toString(),
        floatSum: sum.asApproximateFloat(),
        difference: a.subtract(b).toString(),
        negated: a.negate().toString(),
        compared: a.compare(b),
      };
    });
    expect(ours).toEqual(golden.arithmetic.map((pair) => ({ ...pair, floatSum: goFloat(pair.floatSum) })));
    expect(ours.length).toBeGreaterThan(300);
  });
});

describe('Quantity beside the library', () => {
  test.each([
    ['" 1Gi "', ' 1Gi ', '1Gi'],
    ['1', 1, '1'],
    ['1.5', 1.5, '1500m'],
    ['1e21', 1e21, '1e+21'],
    ['1e3 with its text', rawNumber('1e3'), '1e3'],
    ['null', null, '0'],
  ])('fromJson(%s)', (_, value, expected) => {
    expect(Quantity.fromJson(value).toString()).toBe(expected);
  });

  test.each([[{}], [[]], [true], [undefined], [''], [Number.NaN], ['1 Gi']])('fromJson(%j) throws', (value) => {
    expect(() => Quantity.fromJson(value)).toThrow(QuantityError);
  });

  test.each([
    ['an exponent', `1e${maxDecimalPlaces}`],
    ['a negative exponent', `1E-${maxDecimalPlaces}`],
    ['the largest exponent of the library', '1e2147483647'],
    ['many digits', '1'.repeat(maxDecimalPlaces + 1)],
    ['a long fraction', `0.${'0'.repeat(maxDecimalPlaces)}1`],
  ])('parse() refuses what would not end: %s', (_, text) => {
    expect(() => Quantity.parse(text)).toThrow(`more than ${maxDecimalPlaces} decimal places`);
  });

  test('parse() takes the largest exponent in no time', () => {
    const huge = Quantity.parse(`1e${maxDecimalPlaces - 1}`);
    expect(huge.add(Quantity.one).compare(huge)).toBe(1);
    expect(huge.add(huge).toString()).toBe(`2e${maxDecimalPlaces - 1}`);
  });

  test.each(['1*x', '1.1*x', 'e*x', '1e1*', '0*'])('parse() refuses hostile text in linear time: %s', (pattern) => {
    const text = pattern.replace(/(.)\*/, (_, character: string) => character.repeat(200_000));
    const start = performance.now();
    expect(() => Quantity.parse(text)).toThrow(QuantityError);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  test.each([
    ['1', 0, 1n],
    ['1500m', 0, 2n],
    ['-1500m', 0, -2n],
    ['1', -3, 1000n],
    ['0.1m', -3, 1n],
    ['1Ki', 3, 2n],
    ['100E', 0, 10n ** 20n],
  ])('scaledValue() of %s at 10^%i is %s', (text, scale, expected) => {
    expect(Quantity.parse(text).scaledValue(scale)).toBe(expected);
  });

  test('toJSON() is the text', () => {
    expect(JSON.stringify({ cpu: Quantity.parse('0.5') })).toBe('{"cpu":"500m"}');
  });
});

describe('laws of Quantity', () => {
  const suffix = fc.constantFrom(
    '',
    'n',
    'u',
    'm',
    'k',
    'M',
    'G',
    'T',
    'P',
    'E',
    'Ki',
    'Mi',
    'Gi',
    'Ti',
    'Pi',
    'Ei',
    'e3',
    'E-4',
  );
  /** Below 2^61, so that no sum passes 2^63-1, where BinarySI is capped when it is parsed again. */
  const quantity = fc
    .tuple(fc.constantFrom('', '-', '+'), fc.stringMatching(/^[0-9]{1,6}(\.[0-9]{0,12})?$/), suffix)
    .map(([sign, number, unit]) => Quantity.parse(`${sign}${number}${unit}`))
    .filter((each) => BigInt.asIntN(62, each.scaledValue(0)) === each.scaledValue(0));

  test('parse(toString(q)) is q', () => {
    fc.assert(
      fc.property(quantity, quantity, (a, b) => {
        for (const each of [a, a.negate(), a.add(b), a.subtract(b)]) {
          expect(Quantity.parse(each.toString()).compare(each)).toBe(0);
        }
      }),
    );
  });

  test('a + b - b is a, and a + b is b + a', () => {
    fc.assert(
      fc.property(quantity, quantity, (a, b) => {
        expect(a.add(b).subtract(b).compare(a)).toBe(0);
        expect(a.add(b).compare(b.add(a))).toBe(0);
        expect(a.add(a.negate()).isZero()).toBe(true);
      }),
    );
  });

  test('the order is total and agrees with nano()', () => {
    fc.assert(
      fc.property(quantity, quantity, quantity, (a, b, c) => {
        expect(a.compare(b)).toBe(-b.compare(a) + 0);
        expect(a.compare(b)).toBe(a.nano() === b.nano() ? 0 : a.nano() < b.nano() ? -1 : 1);
        if (a.compare(b) <= 0 && b.compare(c) <= 0) expect(a.compare(c)).toBeLessThanOrEqual(0);
      }),
    );
  });

  test('ofNano(nano(q)) is q, also in print', () => {
    fc.assert(
      fc.property(quantity, (a) => {
        expect(Quantity.ofNano(a.nano(), a.format).toString()).toBe(a.add(Quantity.zero).toString());
      }),
    );
  });

  test('roundUp() goes away from zero by less than one step', () => {
    fc.assert(
      fc.property(quantity, fc.integer({ min: -9, max: 6 }), (a, scale) => {
        const step = 10n ** BigInt(scale + 9);
        const [nano, rounded] = [a.nano(), a.roundUp(scale).nano()];
        const away = nano < 0n ? nano - rounded : rounded - nano;
        expect(rounded % step).toBe(0n);
        expect(away >= 0n && away < step).toBe(true);
      }),
    );
  });
});

function refusalOf(text: string): string | undefined {
  try {
    Quantity.parse(text);
    return undefined;
  } catch (error) {
    if (error instanceof QuantityError) return error.message;
    throw error;
  }
}

/** Go prints `+Inf` where JavaScript prints `Infinity`; the numbers are compared, their spelling is not. */
function goFloat(text: string): number {
  return Number(text.replace('Inf', 'Infinity'));
}
