/**
 * Writes generated.json: expressions made at random, the same ones each time.
 *
 * They are typed most of the time, so that they compile, and go wrong some of the time.
 *
 * Usage: node test/golden/cel/generate-expressions.ts, then record the results with tools/control-plane/cmd/golden-cel.
 */
import { writeFileSync } from 'node:fs';

const SEED = 20_260_101;
const EXPRESSIONS = 1500;
const MAX_DEPTH = 4;

/** Types that expressions are made for; `any` is what a path into the object gives. */
type Kind = 'int' | 'uint' | 'double' | 'string' | 'bool' | 'ints' | 'strings' | 'map' | 'optional' | 'any' | 'time' | 'duration';

const KINDS: readonly Kind[] = [
  'int',
  'uint',
  'double',
  'string',
  'bool',
  'ints',
  'strings',
  'map',
  'optional',
  'any',
  'time',
  'duration',
];

const object = {
  kind: 'Widget',
  metadata: { name: 'w-1', labels: { app: 'web' }, created: '2024-05-06T07:08:09.123456789Z' },
  spec: {
    replicas: 3,
    weight: 0.5,
    on: true,
    off: false,
    nothing: null,
    ports: [80, 443, 8080],
    names: ['a', 'bb', 'ccc', 'é😀'],
    items: [{ name: 'x', size: 1 }, { name: 'y' }, { name: 'z', size: -3 }],
    timeout: '90s',
  },
};

/** mulberry32: small, and the same on every machine. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

class Generator {
  readonly #random = randomFrom(SEED);
  /** Comprehension variables in scope, with their types. */
  readonly #variables: (readonly [string, Kind])[] = [];
  #fresh = 0;

  expression(): string {
    return this.#of(this.#pick(KINDS), MAX_DEPTH);
  }

  /** An expression of type `kind`, or by mistake of another one. */
  #of(kind: Kind, depth: number): string {
    const wanted = this.#chance(0.02) ? this.#pick(KINDS) : kind;
    const known = this.#variables.filter(([, type]) => type === wanted).map(([name]) => name);
    if (known.length > 0 && this.#chance(0.35)) return this.#pick(known);
    if (this.#chance(0.03)) return `dyn(${this.#of(wanted, depth - 1)})`;
    if (depth > 1 && this.#chance(0.06)) {
      return `(${this.#of('bool', depth - 1)} ? ${this.#of(wanted, depth - 1)} : ${this.#of(wanted, depth - 1)})`;
    }
    if (depth > 1 && this.#chance(0.05)) return `${this.#of('optional', depth - 1)}.orValue(${this.#of(wanted, depth - 1)})`;
    return depth <= 1 ? this.#leaf(wanted) : this.#pick(this.#compounds(wanted, depth - 1))();
  }

  #leaf(kind: Kind): string {
    switch (kind) {
      case 'int':
        return this.#pick(['0', '1', '2', '-3', '7', '9223372036854775807', '-9223372036854775808', 'object.spec.replicas']);
      case 'uint':
        return this.#pick(['0u', '1u', '3u', '18446744073709551615u']);
      case 'double':
        return this.#pick(['0.0', '1.5', '-2.25', '1e10', '1e-7', '3.0', 'object.spec.weight']);
      case 'string':
        return this.#pick(['""', '"a"', '"bb"', '"é😀x"', '"a,b,c"', '" x "', '"12"', 'object.metadata.name', 'object.kind']);
      case 'bool':
        return this.#pick(['true', 'false', 'object.spec.on', 'object.spec.off']);
      case 'ints':
        return this.#pick(['[1, 2, 3]', '[0]', '[5, 5, 1]', 'object.spec.ports', '[-1, 0]']);
      case 'strings':
        return this.#pick(['["a", "b"]', '["x"]', 'object.spec.names', '["b", "a", "b"]']);
      case 'map':
        return this.#pick(['{"a": 1}', 'object.metadata.labels', '{"k": [1]}', 'object.metadata', '{1: "x"}']);
      case 'optional':
        return this.#pick(['optional.none()', 'optional.of(1)', 'object.?spec.?replicas', 'object.?nope', 'optional.of("a")']);
      case 'any':
        return this.#pick([
          'object',
          'object.spec.nothing',
          'object.spec.items[0]',
          'object.spec.missing',
          'object.spec.items[1].size',
          'object.spec.ports[1]',
          'null',
        ]);
      case 'time':
        return this.#pick(['timestamp("2024-05-06T07:08:09Z")', 'timestamp(0)', 'timestamp(object.metadata.created)']);
      case 'duration':
        return this.#pick(['duration("1h")', 'duration("-1.5s")', 'duration(object.spec.timeout)', 'duration("1ns")']);
    }
  }

  #compounds(kind: Kind, depth: number): readonly (() => string)[] {
    const of = (inner: Kind) => this.#of(inner, depth);
    const binary = (type: Kind, operators: readonly string[]) => () => `(${of(type)} ${this.#pick(operators)} ${of(type)})`;
    switch (kind) {
      case 'int':
        return [
          binary('int', ['+', '-', '*', '/', '%']),
          () => `-${of('int')}`,
          () => `${of(this.#pick(['string', 'ints', 'strings', 'map']))}.size()`,
          () => `int(${of(this.#pick(['uint', 'double', 'string', 'time', 'duration']))})`,
          () => `${of('ints')}[${of('int')}]`,
          () => `${of('string')}.${this.#pick(['indexOf', 'lastIndexOf'])}(${of('string')})`,
          () => `${of('time')}.${this.#pick(['getFullYear', 'getDayOfYear', 'getHours', 'getMilliseconds'])}()`,
          () => `${of('time')}.getHours("${this.#pick(['+02:00', '-11:30', 'Europe/Berlin', 'Asia/Tokyo'])}")`,
          () => `${of('duration')}.${this.#pick(['getHours', 'getMinutes', 'getSeconds', 'getMilliseconds'])}()`,
          () => `${of('ints')}.${this.#pick(['sum', 'min', 'max'])}()`,
        ];
      case 'uint':
        return [binary('uint', ['+', '-', '*', '/', '%']), () => `uint(${of(this.#pick(['int', 'double', 'string']))})`];
      case 'double':
        return [binary('double', ['+', '-', '*', '/']), () => `double(${of(this.#pick(['int', 'uint', 'string']))})`];
      case 'string':
        return [
          binary('string', ['+']),
          () => `string(${of(this.#pick(['int', 'uint', 'double', 'bool', 'time', 'duration']))})`,
          () => `${of('string')}.${this.#pick(['lowerAscii', 'upperAscii', 'trim'])}()`,
          () => `${of('string')}.substring(${this.#pick(['0', '1', '2', of('int')])})`,
          () => `${of('string')}.charAt(${this.#pick(['0', '1', of('int')])})`,
          () => `${of('string')}.replace(${of('string')}, ${of('string')})`,
          () => `${of('strings')}.join(${of('string')})`,
          () => `"%s|%s".format([${of(this.#pick(KINDS))}, ${of(this.#pick(KINDS))}])`,
          () => `"%d %.2f".format([${of('int')}, ${of('double')}])`,
          () => `strings.quote(${of('string')})`,
        ];
      case 'bool':
        return [
          binary('bool', ['&&', '||', '==', '!=']),
          binary(this.#pick(KINDS), ['==', '!=']),
          binary(this.#pick(['int', 'uint', 'double', 'string', 'time', 'duration', 'bool']), ['<', '<=', '>', '>=']),
          () => `(${of('int')} < ${of('double')})`,
          () => `!${of('bool')}`,
          () => `${of('string')}.${this.#pick(['contains', 'startsWith', 'endsWith'])}(${of('string')})`,
          () => `${of('string')}.matches("${this.#pick(['^[a-z]+$', '\\\\d', 'a|b', '(x)?', '.é'])}")`,
          () => `(${of('int')} in ${of('ints')})`,
          () => `(${of('string')} in ${of(this.#pick(['strings', 'map']))})`,
          () => `has(object.${this.#pick(['spec', 'metadata', 'x'])}.${this.#pick(['name', 'replicas', 'nothing', 'items'])})`,
          () => this.#quantifier('ints', 'int', depth),
          () => this.#quantifier('strings', 'string', depth),
          () => `${of('optional')}.hasValue()`,
          () => `sets.${this.#pick(['contains', 'equivalent', 'intersects'])}(${of('ints')}, ${of('ints')})`,
          () => `${of(this.#pick(['ints', 'strings']))}.isSorted()`,
        ];
      case 'ints':
        return [
          binary('ints', ['+']),
          () => `[${of('int')}, ${of('int')}]`,
          () => `[?${of('optional')}, ${of('int')}]`,
          () => this.#transformation('ints', 'int', 'int', depth),
          () => this.#transformation('strings', 'string', 'int', depth),
          () => this.#filter('ints', 'int', depth),
          () => `${of('ints')}.${this.#pick(['sort', 'reverse', 'distinct'])}()`,
          () => `${of('ints')}.slice(0, ${this.#pick(['1', '2', of('int')])})`,
          () => `[${of('ints')}, ${of('ints')}].flatten()`,
          () => `lists.range(${this.#pick(['3', '5', of('int')])})`,
        ];
      case 'strings':
        return [
          binary('strings', ['+']),
          () => `[${of('string')}, ${of('string')}]`,
          () => this.#transformation('ints', 'int', 'string', depth),
          () => this.#filter('strings', 'string', depth),
          () => `${of('string')}.split(${of('string')})`,
          () => `${of('strings')}.${this.#pick(['sort', 'reverse', 'distinct'])}()`,
          () => `${of('strings')}.sortBy(s, s.size())`,
        ];
      case 'map':
        return [
          () => `{${of('string')}: ${of('int')}}`,
          () => `{"a": ${of('int')}, ?"b": ${of('optional')}}`,
          () => this.#twoVariables('transformMap', 'ints', 'int', 'string', depth),
        ];
      case 'optional':
        return [
          () => `optional.of(${of(this.#pick(KINDS))})`,
          () => `optional.ofNonZeroValue(${of(this.#pick(KINDS))})`,
          () => `${of('optional')}.or(${of('optional')})`,
          () => `${of('map')}[?${of('string')}]`,
          () => `${of('ints')}[?${of('int')}]`,
          () => `${of('any')}.?${this.#pick(['name', 'size', 'spec'])}`,
          () => `${of('optional')}.optMap(o, [o])`,
          () => `${of(this.#pick(['ints', 'strings']))}.${this.#pick(['first', 'last'])}()`,
        ];
      case 'any':
        return [
          () => `${of('map')}.${this.#pick(['a', 'app', 'name'])}`,
          () => `${of('map')}[${of('string')}]`,
          () => `dyn(${of(this.#pick(KINDS))})`,
          () => `object.spec.items[${this.#pick(['0', '1', of('int')])}].${this.#pick(['name', 'size'])}`,
          () => `${of('optional')}.value()`,
          () => `type(${of(this.#pick(KINDS))})`,
        ];
      case 'time':
        return [() => `(${of('time')} ${this.#pick(['+', '-'])} ${of('duration')})`, () => `timestamp(${of('int')})`];
      case 'duration':
        return [binary('duration', ['+', '-']), () => `(${of('time')} - ${of('time')})`, () => `-${of('duration')}`];
    }
  }

  #quantifier(list: Kind, element: Kind, depth: number): string {
    const macro = this.#pick(['all', 'exists', 'exists_one']);
    if (this.#chance(0.25)) return this.#twoVariables(macro, list, element, 'bool', depth);
    const range = this.#of(list, depth);
    return this.#binding([element], ([name = '']) => `${range}.${macro}(${name}, ${this.#of('bool', depth)})`);
  }

  #filter(list: Kind, element: Kind, depth: number): string {
    const range = this.#of(list, depth);
    return this.#binding([element], ([name = '']) => `${range}.filter(${name}, ${this.#of('bool', depth)})`);
  }

  #transformation(list: Kind, element: Kind, result: Kind, depth: number): string {
    if (this.#chance(0.2)) return this.#twoVariables('transformList', list, element, result, depth);
    const range = this.#of(list, depth);
    return this.#binding([element], ([name = '']) => {
      const filter = this.#chance(0.3) ? `${this.#of('bool', depth)}, ` : '';
      return `${range}.map(${name}, ${filter}${this.#of(result, depth)})`;
    });
  }

  #twoVariables(macro: string, list: Kind, element: Kind, result: Kind, depth: number): string {
    const range = this.#of(list, depth);
    const body = macro === 'exists_one' ? 'existsOne' : macro;
    return this.#binding(['int', element], ([index = '', value = '']) => {
      return `${range}.${body}(${index}, ${value}, ${this.#of(result, depth)})`;
    });
  }

  #binding(kinds: readonly Kind[], make: (names: readonly string[]) => string): string {
    const names = kinds.map(() => `v${this.#fresh++ % 5}`);
    for (const [index, kind] of kinds.entries()) this.#variables.push([names[index] ?? '', kind]);
    const made = make(names);
    this.#variables.length -= kinds.length;
    return made;
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #pick<T>(choices: readonly T[]): T {
    const chosen = choices[Math.floor(this.#random() * choices.length)];
    if (chosen === undefined) throw new RangeError('nothing to pick from');
    return chosen;
  }
}

const generator = new Generator();
const expressions = new Set<string>();
while (expressions.size < EXPRESSIONS) expressions.add(generator.expression());
const groups = [{ about: `generated with seed ${SEED}`, variables: { object }, expressions: [...expressions] }];
writeFileSync(new URL('generated.json', import.meta.url), `${JSON.stringify(groups, undefined, 1)}\n`);
