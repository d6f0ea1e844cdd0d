import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  clone,
  diff,
  isRawNumber,
  JsonSyntaxError,
  numberText,
  rawNumber,
  readExactJson,
  readJson,
  writeJson,
  type JsonObject,
  type JsonValue,
} from './index.ts';
import { parseJson } from './parse-json.ts';

/** Texts that JSON.parse accepts and that a reader of one's own may get wrong. */
const oddTexts = [
  ' \t\r\n null \n',
  'true',
  'false',
  '"\\u0041\\ud83d\\ude00\\"\\\\\\/\\b\\f\\n\\r\\t"',
  '"\ud83d\ude00 \u2028\u007f"',
  '"\\ud800"',
  '-0',
  '-0.0e-0',
  '1E+05',
  '0.1e1',
  '[ ]',
  '{ }',
  '[[],{},[{}],null,[ 1 , 2 ]]',
  '{"a" : 1 , "b":[ ] }',
  '{"a":1,"a":2}',
  '{"a":{"x":1},"a":[9007199254740993]}',
  '{"__proto__":{"a":1},"constructor":{"prototype":1},"":0}',
  '{"__proto__":1,"__proto__":2}',
  '{"2":0,"1":0,"b":0,"a":0}',
  '{"a/b":"t~d"}',
  '123456789012345678901234567890',
  '[1e400,-1e400,1e-400,5e-324]',
];

/** Texts that JSON.parse refuses, each with line and column of the first character that cannot stand there. */
const brokenTexts: [text: string, place: string, expected: string][] = [
  ['', '1:1', 'a value, but the text ends there'],
  [' \n ', '2:2', 'a value, but the text ends there'],
  ['nul', '1:1', 'a value'],
  ['True', '1:1', 'a value'],
  ['undefined', '1:1', 'a value'],
  ['NaN', '1:1', 'a value'],
  ['\ufeff{}', '1:1', 'a value'],
  ['\u00a0{}', '1:1', 'a value'],
  ["'a'", '1:1', 'a value'],
  ['{} {}', '1:4', 'nothing more'],
  ['1 2', '1:3', 'nothing more'],
  ['[1,2', '1:5', '"," or "]", but the text ends there'],
  ['[1 2]', '1:4', '"," or "]"'],
  ['[1,]', '1:4', 'a value'],
  ['[,1]', '1:2', 'a value'],
  ['[1}', '1:3', '"," or "]"'],
  ['{"a":1]', '1:7', '"," or "}"'],
  ['{"a":1,}', '1:8', 'a member name'],
  ['{,}', '1:2', 'a member name or "}"'],
  ['{a:1}', '1:2', 'a member name or "}"'],
  ['{"a" 1}', '1:6', '":"'],
  ['{"a":}', '1:6', 'a value'],
  ['{"a":x}', '1:6', 'a value'],
  ['{"a":1\n "b":2}', '2:2', '"," or "}"'],
  ['[01]', '1:3', '"," or "]"'],
  ['[1.]', '1:3', '"," or "]"'],
  ['[.5]', '1:2', 'a value'],
  ['[+1]', '1:2', 'a value'],
  ['[1e]', '1:3', '"," or "]"'],
  ['-', '1:1', 'a value'],
  ['"abc', '1:5', 'the end of the string, but the text ends there'],
  ['"a\nb"', '1:3', 'no control character in a string'],
  ['"\u0001"', '1:2', 'no control character in a string'],
  ['"\\x"', '1:3', 'an escape sequence'],
  ['"\\u12g4"', '1:3', 'an escape sequence'],
  ['"\\', '1:3', 'an escape sequence, but the text ends there'],
  ['{"password":"hunter2" "x"}', '1:23', '"," or "}"'],
];

describe('readJson() and readExactJson()', () => {
  it.each(oddTexts)('read %j as JSON.parse does', (text) => {
    expect(readJson(text).value).toEqual(JSON.parse(text));
    expect(parseJson(text, Number)).toEqual(JSON.parse(text));
    expect(JSON.stringify(parseJson(text, Number))).toBe(JSON.stringify(JSON.parse(text)));
    expect(JSON.parse(JSON.stringify(readExactJson(text)))).toEqual(JSON.parse(text));
  });

  it.each(brokenTexts)('refuse %j at %s: expected %s', (text, place, expected) => {
    expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
    const [line, column] = place.split(':').map(Number);
    for (const read of [readJson, readExactJson]) {
      let thrown: unknown;
      try {
        read(text);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(JsonSyntaxError);
      expect(thrown).toMatchObject({
        code: 'SALLYPORT_JSON_SYNTAX',
        line,
        column,
        message: `not JSON: line ${line}, column ${column}: expected ${expected}`,
      });
      // V8's message quotes the text, which may be a Secret.
      expect((thrown as Error).cause).toBeUndefined();
    }
  });

  it('accept and refuse the same texts as JSON.parse, with the same value', () => {
    const scrap = fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        ' ',
        '\n',
        '"',
        '""',
        '"a"',
        '"\\n"',
        '\\',
        '0',
        '1',
        '-',
        '.',
        'e',
        '1.0',
        'true',
        'null',
      ],
    );
    const broken = fc.array(scrap, { maxLength: 12 }).map((scraps) => scraps.join(''));
    const edited = fc
      .tuple(fc.json(), fc.nat(), fc.string({ maxLength: 2 }), fc.nat({ max: 2 }))
      .map(([text, at, insert, cut]) => {
        const offset = at % (text.length + 1);
        return text.slice(0, offset) + insert + text.slice(offset + cut);
      });
    fc.assert(
      fc.property(fc.oneof(broken, edited, fc.json()), (text) => {
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          expect(() => readJson(text)).toThrow(JsonSyntaxError);
          expect(() => readExactJson(text)).toThrow(JsonSyntaxError);
          return;
        }
        expect(JSON.stringify(parseJson(text, Number))).toBe(JSON.stringify(expected));
        expect(JSON.stringify(readJson(text).value)).toBe(JSON.stringify(expected));
      }),
      { numRuns: 2000 },
    );
  });

  it('read a nest of 100,000 levels with a number that a double does not hold', () => {
    const text = `${'[{"a":'.repeat(50_000)}9007199254740993${'}]'.repeat(50_000)}`;
    const { value, literals } = readJson(text);
    expect(writeJson(value, literals)).toBe(text);
    expect(writeJson(readExactJson(text))).toBe(text);
  });

  it('take time linear in hostile texts', () => {
    const texts = [
      `[${'1'.repeat(1_000_000)}x]`,
      `[${'1 '.repeat(500_000)}`,
      `[1,${' '.repeat(1_000_000)}x]`,
      `[${'1,'.repeat(500_000)}${'9'.repeat(500_000)}e${'9'.repeat(500_000)}]`,
      `[0.${'0'.repeat(1_000_000)}1]`,
      `["${'\\n'.repeat(500_000)}"`,
    ];
    const start = performance.now();
    for (const text of texts) {
      for (const read of [readJson, readExactJson]) {
        try {
          read(text);
        } catch (error) {
          expect(error).toBeInstanceOf(JsonSyntaxError);
        }
      }
    }
    // Half a second here; quadratic time would be hours.
    expect(performance.now() - start).toBeLessThan(20_000);
  });
});

describe('readJson() with writeJson()', () => {
  const roundTrip = (text: string): string => {
    const { value, literals } = readJson(text);
    return writeJson(clone(value, literals), literals);
  };

  it.each([
    '9007199254740993',
    '[9007199254740993]',
    '{"a":-9007199254740993}',
    '{"a":{"b":[12345678901234567890]}}',
    '[ 9223372036854775807\n]',
    '[0.1234567890123456789]',
    '[1234567890.1234567]',
    '[1e400,-1e400]',
    '[1e-400]',
    '[1.2345678901234567e-310]',
    '[123456789012345678e5]',
    '[9007199254740993,9007199254740992,9007199254740994]',
    '{"a":9007199254740992,"b":9007199254740993,"c":[9007199254740993.0]}',
    '["9007199254740993",9007199254740993,":1234567890123456,"]',
  ])('writes %s as it came', (text) => {
    expect(roundTrip(text)).toBe(text.replaceAll(/\s/g, ''));
  });

  it.each([
    ['[1.0,1e3,-0,0.10]', '[1,1000,0,0.1]'],
    ['[1e20,100000000000000000000,1.50000000000000000000]', '[100000000000000000000,100000000000000000000,1.5]'],
  ])('writes numbers that a double holds in the way of JavaScript: %s', (text, written) => {
    const { value, literals } = readJson(text);
    expect(literals.size).toBe(0);
    expect(writeJson(value, literals)).toBe(written);
  });

  it('reads every number as the double next to it', () => {
    expect(readJson('{"a":9007199254740993,"b":[1e400,1.0]}').value).toEqual({ a: 9007199254740992, b: [Infinity, 1] });
  });

  it('knows nothing of numbers inside strings', () => {
    const { value, literals } = readJson('{"a":"x:9007199254740993, [9007199254740993]"}');
    expect(literals.size).toBe(0);
    expect(value).toEqual({ a: 'x:9007199254740993, [9007199254740993]' });
  });

  it('lets the last of repeated names count', () => {
    expect(roundTrip('{"a":9007199254740993,"a":5}')).toBe('{"a":5}');
    expect(roundTrip('{"a":9007199254740993,"a":9007199254740992,"b":9007199254740993}')).toBe(
      '{"a":9007199254740992,"b":9007199254740993}',
    );
  });

  it('carries an untouched number in the value of a patch', () => {
    const text =
      '{"spec":{"containers":[{"name":"a","limit":9223372036854775807},{"name":"b","limit":9007199254740993,"n":[9007199254740992]}]}}';
    const { value, literals } = readJson(text);
    const draft = clone(value, literals) as { spec: { containers: JsonObject[]; moved?: JsonValue } };
    draft.spec.moved = draft.spec.containers[1] as JsonObject;
    draft.spec.containers.splice(1, 1);
    expect(writeJson(diff(value, draft), literals)).toBe(
      '[{"op":"add","path":"/spec/moved","value":{"name":"b","limit":9007199254740993,"n":[9007199254740992]}},' +
        '{"op":"remove","path":"/spec/containers/1"}]',
    );
  });

  it('knows a number by its double in an object that is built anew', () => {
    const { value, literals } = readJson('{"limit":9223372036854775807,"n":9007199254740993,"m":9007199254740992}');
    const anew = { ...(value as JsonObject), extra: 5 };
    expect(writeJson(anew, literals)).toBe(
      // Two literals share the double of n and m, and the place is not known: the first one.
      '{"limit":9223372036854775807,"n":9007199254740993,"m":9007199254740993,"extra":5}',
    );
  });

  it('writes a number that was put in place of another as it is', () => {
    const { value, literals } = readJson('{"a":9007199254740993,"b":9007199254740992}');
    const draft = clone(value, literals) as { a: number };
    draft.a = 7;
    expect(writeJson(draft, literals)).toBe('{"a":7,"b":9007199254740992}');
  });

  it('writes back any text of plain JSON with large numbers', () => {
    const literal = fc
      .tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.option(fc.stringMatching(/^[0-9]{1,20}[1-9]$/)))
      .map(([whole, fraction]) => `${whole}${fraction === null ? '' : `.${fraction}`}`);
    const { document } = fc.letrec<{ document: string }>((tie) => ({
      document: fc.oneof(
        { maxDepth: 4 },
        literal,
        fc.constantFrom('null', '"x"', '7'),
        fc.array(tie('document')).map((elements) => `[${elements.join()}]`),
        fc
          .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', '__proto__', 'constructor', ''), tie('document')), {
            selector: ([key]) => key,
          })
          .map((members) => `{${members.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join()}}`),
      ),
    }));
    fc.assert(
      fc.property(document, (text) => {
        expect(JSON.stringify(readExactJson(text))).toBe(text);
        // Reading for work does not keep how an exact number was written, so compare what the texts say.
        expect(exactNumbers(roundTrip(text))).toEqual(exactNumbers(text));
      }),
    );
  });
});

/** A text with every number in one spelling: its digits and where they begin. */
function exactNumbers(text: string): string {
  return text.replaceAll(/-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?/g, (literal) => {
    const [mantissa = '', exponent = '0'] = literal.split('e');
    const [whole = '', fraction = ''] = mantissa.split('.');
    const digits = BigInt(whole + fraction);
    const scale = Number(exponent) - fraction.length;
    const trimmed = digits.toString().replace(/0+$/, '');
    return digits === 0n ? '0' : `${trimmed}e${scale + digits.toString().length - trimmed.length}`;
  });
}

describe('readExactJson()', () => {
  it.each([
    '1.0',
    '-0',
    '[1.0,1e3,-0,9007199254740993]',
    '{"a":1E3,"b":[1.50,{"c":100000000000000000000000}]}',
    '[0.1,2,3.5,"1.0"]',
    '[1e400]',
    '[-0.0]',
    '[0e5]',
    '{"n":-0}',
  ])('gives %s back letter by letter', (text) => {
    expect(JSON.stringify(readExactJson(text))).toBe(text);
    expect(writeJson(readExactJson(text))).toBe(text);
  });

  it('keeps a number that JavaScript prints alike a number', () => {
    expect(readExactJson('[0,-1,1.5,1e+21,1e-7,9007199254740992,1.0]')).toEqual([
      0,
      -1,
      1.5,
      1e21,
      1e-7,
      9007199254740992,
      rawNumber('1.0'),
    ]);
  });
});

describe('isRawNumber() and numberText()', () => {
  it.each<[string, boolean]>([
    ['1.0', true],
    ['9007199254740993', true],
    ['1', false],
    ['"1.0"', false],
    ['null', false],
    ['{"rawJSON":"1.0"}', false],
    ['[1.0]', false],
  ])('%s: %s', (text, expected) => {
    expect(isRawNumber(readExactJson(text))).toBe(expected);
  });

  it('give the text of either kind of number', () => {
    expect(numberText(rawNumber('1.0'))).toBe('1.0');
    expect(numberText(1.5)).toBe('1.5');
    expect(numberText(-0)).toBe('0');
  });
});

describe('writeJson()', () => {
  it('writes what JSON.stringify writes, also where it has to write by itself', () => {
    const { literals } = readJson('[9007199254740993]');
    const value = fc.jsonValue() as fc.Arbitrary<JsonValue>;
    fc.assert(
      fc.property(value, (json) => {
        expect(writeJson(json)).toBe(JSON.stringify(json));
        expect(writeJson(json, literals)).toBe(JSON.stringify(json));
      }),
    );
  });

  it('leaves out members that are undefined', () => {
    const { literals } = readJson('[9007199254740993]');
    const value = { a: undefined, b: 1, c: undefined } as unknown as JsonValue;
    expect(writeJson(value, literals)).toBe('{"b":1}');
  });

  it('writes a nest of 100,000 levels', () => {
    const text = `${'[{"a":'.repeat(50_000)}1${'}]'.repeat(50_000)}`;
    expect(writeJson(readJson(text).value)).toBe(text);
  });
});
