import { describe, expect, it } from 'vitest';
import {
  BoolType,
  DuplicateOverloadError,
  DynType,
  EvaluationError,
  IntType,
  OpaqueValue,
  StringType,
  compile,
  createEnvironment,
  globalOverload,
  listType,
  memberOverload,
  objectType,
  opaqueType,
} from './index.ts';
import type { Environment, Library, Type, Value } from './index.ts';

class Colour extends OpaqueValue {
  override readonly type = ColourType;
  readonly name: string;

  constructor(name: string) {
    super();
    this.name = name;
  }

  override equals(other: Value): boolean {
    return other instanceof Colour && other.name === this.name;
  }
}
const ColourType: Type<Colour> = opaqueType<Colour>('test.Colour');

const colours: Library = {
  name: 'test.colours',
  types: [ColourType],
  functions: [
    {
      name: 'colour',
      overloads: [globalOverload('string_to_colour', [StringType], ColourType, (name) => new Colour(name))],
      cost: () => 7,
    },
    {
      name: 'brightness',
      overloads: [
        memberOverload('colour_brightness', [ColourType], IntType, ({ name }) =>
          name === 'black' ? 0n : new EvaluationError(`no brightness of ${name}`),
        ),
        memberOverload('colour_brightness_at', [ColourType, IntType], IntType, (_, hour) => hour * 2n),
      ],
    },
    {
      name: 'startsWithVowel',
      overloads: [memberOverload('starts_with_vowel', [StringType, StringType], BoolType, () => false)],
      constantArgument: {
        index: 1,
        bind: (vowels) =>
          vowels === ''
            ? new EvaluationError('no vowels')
            : (text) => typeof text === 'string' && vowels.includes(text.charAt(0)),
      },
    },
  ],
};

const environment = createEnvironment({
  libraries: [colours],
  variables: {
    x: DynType,
    'paint.shop': StringType,
    wall: objectType('test.Wall', { colour: ColourType, coats: listType(IntType) }),
  },
});

function evaluate(expression: string, variables: Readonly<Record<string, Value>> = {}, of: Environment = environment) {
  const compiled = compile(expression, of);
  if (!compiled.ok) return compiled.message;
  const result = compiled.program.evaluate(new Map(Object.entries(variables)));
  return result.ok ? result.value : result.error.message;
}

describe('createEnvironment()', () => {
  it('adds the functions and types of a library', () => {
    expect(evaluate('colour("black").brightness()')).toBe(0n);
    expect(evaluate('colour("black").brightness(21)')).toBe(42n);
    expect(evaluate('colour("red").brightness()')).toBe('no brightness of red');
    expect(evaluate('colour("red") == colour("red") && colour("red") != colour("blue")')).toBe(true);
    expect(evaluate('type(x) == test.Colour', { x: new Colour('red') })).toBe(true);
    expect(evaluate('x.brightness()', { x: new Colour('black') })).toBe(0n);
    expect(evaluate('x.brightness()', { x: 'black' })).toBe('no such overload: brightness(string)');
  });

  it('counts a call as its library says, or as one', () => {
    const costOf = (expression: string) => {
      const compiled = compile(expression, environment);
      return compiled.ok ? compiled.program.evaluate(new Map()).cost : compiled.message;
    };
    expect(costOf('colour("black")')).toBe(7);
    expect(costOf('colour("black").brightness()')).toBe(8);
  });

  it('lets a function prepare a literal argument once', () => {
    expect(evaluate('"orange".startsWithVowel("aeiou")')).toBe(true);
    expect(evaluate('"orange".startsWithVowel(x)', { x: 'aeiou' })).toBe(false);
    expect(evaluate('"orange".startsWithVowel("")')).toBe('program instantiation failed: no vowels');
  });

  it('declares variables, also with dots, and the fields of theirs', () => {
    expect(evaluate('paint.shop', { 'paint.shop': 'open' })).toBe('open');
    expect(evaluate('wall.color')).toMatch("undefined field 'color'");
    expect(evaluate('wall.coats[0] + "a"')).toMatch("found no matching overload for '_+_' applied to '(int, string)'");
  });

  it('has nothing of libraries that were not named', () => {
    const bare = createEnvironment({ variables: {}, libraries: [] });
    expect(evaluate('colour("red")', {}, bare)).toMatch("undeclared reference to 'colour'");
    expect(evaluate('"a".trim()', {}, bare)).toMatch("undeclared reference to 'trim'");
    expect(evaluate('"a".size() + [1].map(x, x * 2)[0]', {}, bare)).toBe(3n);
  });

  it('refuses two functions with one overload id', () => {
    const again = { name: 'test.again', functions: colours.functions.slice(0, 1) };
    expect(() => createEnvironment({ variables: {}, libraries: [colours, again] })).toThrow(DuplicateOverloadError);
    expect(() => createEnvironment({ variables: {}, libraries: [colours, again] })).toThrow(
      /test\.again.*string_to_colour/,
    );
  });

  it('joins the overloads of two libraries under one name', () => {
    const more: Library = {
      name: 'test.more',
      functions: [
        {
          name: 'colour',
          overloads: [globalOverload('int_to_colour', [IntType], ColourType, () => new Colour('grey'))],
        },
      ],
    };
    const joined = createEnvironment({ variables: { x: DynType }, libraries: [colours, more] });
    expect(evaluate('colour(1) == colour("grey")', {}, joined)).toBe(true);
    expect(evaluate('colour(x) == colour("grey")', { x: 2n }, joined)).toBe(true);
  });
});
