import { describe, expect, it } from 'vitest';
import { parseManifests } from './manifest.ts';

const read = (text: string) => parseManifests(text, 'a.yaml');
const object = (rest: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n${rest}`;

describe('parseManifests()', () => {
  it('reads several documents and takes lists apart, each with its line', () => {
    const { manifests, problems } = read(
      `# first\n${object('')}\n---\n\n${object('')}---\nkind: List\napiVersion: v1\nitems:\n- {apiVersion: v1, kind: Pod}\n- {apiVersion: apps/v1, kind: Deployment}\n---\n`,
    );
    expect(problems).toEqual([]);
    expect(manifests.map(({ kind, line }) => [kind.group, kind.kind, line])).toEqual([
      ['', 'ConfigMap', 2],
      ['', 'ConfigMap', 8],
      ['', 'Pod', 12],
      ['apps', 'Deployment', 12],
    ]);
  });

  it('reads JSON', () => {
    expect(read('{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}').manifests).toHaveLength(1);
  });

  it.each([
    ['yes', true],
    ['off', false],
    ['010', 8],
    ['0x1f', 31],
    ['1e3', 1000],
    ['1.0', 1],
    ['80:8080', '80:8080'],
    ['12:30:45', '12:30:45'],
    ['2024-01-01', '2024-01-01'],
    ['~', null],
    ['null', null],
    ['"yes"', 'yes'],
    ['1_000', 1000],
    ['0o10', 8],
    ['08', 8],
    ['-010', -8],
    ['0777_7', 4095],
    ['0b11', 3],
    ['+12', 12],
    ['.5', 0.5],
    ['18446744073709551616', 18446744073709552000],
    ['!!str 1', '1'],
    ['!!binary aGk=', 'hi'],
    ['!custom x', 'x'],
    ['=', '='],
    ['{ y: 1, 1: 2, 1.5: 3 }', { true: 1, 1: 2, 1.5: 3 }],
  ])('reads %s as sigs.k8s.io/yaml v1.6.0 does', (text, expected) => {
    expect(read(object(`value: ${text}`)).manifests[0]?.object).toHaveProperty('value', expected);
  });

  it('keeps the digits of integers that a double does not hold', () => {
    expect(JSON.stringify(read(object('value: 9007199254740993')).manifests[0]?.object)).toContain('9007199254740993');
  });

  it('merges <<', () => {
    expect(read(object('base: &b { x: 1 }\nvalue: { <<: *b, z: 2 }')).manifests[0]?.object).toHaveProperty('value', {
      x: 1,
      z: 2,
    });
  });

  it('keeps hostile keys as data', () => {
    const [manifest] = read(object('__proto__: { polluted: true }\nconstructor: x')).manifests;
    expect(Object.keys(manifest?.object ?? {})).toContain('__proto__');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...[...'bcdefghi'].map((key, index) => `${key}: &${key} [${Array(9).fill(`*${'abcdefghi'[index]}`).join(',')}]`),
  ].join('\n');
  it.each([
    ['broken YAML', object('value: [1, 2'), 'a.yaml', /./],
    ['a text', 'hello', 'a.yaml', /not an object/],
    ['a list', '- 1\n- 2', 'a.yaml', /not an object/],
    ['no kind', 'apiVersion: v1', 'a.yaml', /has no kind/],
    ['no apiVersion', 'kind: Pod', 'a.yaml', /has no apiVersion/],
    ['metadata that is none', 'apiVersion: v1\nkind: Pod\nmetadata: 7', 'a.yaml', /metadata/],
    ['infinity', object('value: .inf'), 'a.yaml', /number that JSON cannot carry/],
    ['an alias bomb', object(bomb), 'a.yaml', /aliases/],
    ['10,000 brackets', object(`value: ${'['.repeat(10_000)}${']'.repeat(10_000)}`), 'a.yaml', /nested/],
    ['10,000 dashes', `${'- '.repeat(10_000)}x`, 'a.yaml', /nested/],
    ['10 MB', object(`value: ${'x'.repeat(10_000_000)}`), 'a.yaml', /3 MiB/],
  ])('tells what is wrong with %s, quickly, and reads the rest', (_name, text, file, message) => {
    const started = process.hrtime.bigint();
    const { manifests, problems } = read(`${object('')}\n---\n${text}\n---\n${object('')}`);
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ file, message: expect.stringMatching(message) as string });
    expect(problems[0]?.line).toBeGreaterThan(4);
    expect(manifests).toHaveLength(2);
    expect(seconds).toBeLessThan(5);
  });
});
