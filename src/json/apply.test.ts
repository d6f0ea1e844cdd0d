import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { apply, equal, PatchApplyError, readExactJson, readJson, writeJson, type JsonValue } from './index.ts';

const read = (text: string): JsonValue => readJson(text).value;

describe('apply() on the public JSON Patch test suite', () => {
  interface SuiteRecord {
    readonly comment?: string;
    readonly doc: JsonValue;
    readonly patch: JsonValue;
    readonly expected?: JsonValue;
    readonly error?: string;
    readonly disabled?: boolean;
  }

  for (const file of ['tests.json', 'spec_tests.json']) {
    const records = JSON.parse(readFileSync(new URL(`testdata/${file}`, import.meta.url), 'utf8')) as SuiteRecord[];
    const enabled = records.filter((record) => record.disabled !== true && 'patch' in record);

    it(`finds records in ${file}`, () => {
      expect(enabled.length).toBeGreaterThan(10);
    });
    it.each(enabled.map((record, index) => [index, record.comment ?? record.error ?? '', record] as const))(
      `${file}[%i] %s`,
      (_index, _label, { doc, patch, expected, error }) => {
        const before = JSON.stringify([doc, patch]);
        if (error === undefined) {
          // Records without `expected` say only that the patch applies; those are `test` operations.
          expect(apply(doc, patch)).toEqual(expected ?? doc);
        } else {
          expect(() => apply(doc, patch)).toThrow(PatchApplyError);
        }
        expect(JSON.stringify([doc, patch])).toBe(before);
      },
    );
  }
});

describe('apply()', () => {
  it.each<[string, string, string, string]>([
    ['add replaces the document', '{"a":1}', '[{"op":"add","path":"","value":[1]}]', '[1]'],
    ['replace replaces the document', '[]', '[{"op":"replace","path":"","value":null}]', 'null'],
    ['add puts into a list at its index', '[1,3]', '[{"op":"add","path":"/1","value":2}]', '[1,2,3]'],
    ['add appends at the length', '[1]', '[{"op":"add","path":"/1","value":2}]', '[1,2]'],
    ['add appends at "-"', '{"a":[]}', '[{"op":"add","path":"/a/-","value":[]}]', '{"a":[[]]}'],
    ['add overwrites a member', '{"a":1}', '[{"op":"add","path":"/a","value":null}]', '{"a":null}'],
    ['the key of a member may look like an index', '{}', '[{"op":"add","path":"/01","value":1}]', '{"01":1}'],
    ['the key of a member may be "-"', '{}', '[{"op":"add","path":"/-","value":1}]', '{"-":1}'],
    ['keys differ by case', '{"foo":1}', '[{"op":"add","path":"/FOO","value":2}]', '{"foo":1,"FOO":2}'],
    ['remove takes an element out', '[1,2,3]', '[{"op":"remove","path":"/1"}]', '[1,3]'],
    ['remove takes the empty key out', '{"":1,"a":2}', '[{"op":"remove","path":"/"}]', '{"a":2}'],
    ['replace keeps the place in a list', '[1,2,3]', '[{"op":"replace","path":"/1","value":{}}]', '[1,{},3]'],
    ['replace finds null', '{"a":null}', '[{"op":"replace","path":"/a","value":1}]', '{"a":1}'],
    ['move counts indexes after the removal', '[1,2,3]', '[{"op":"move","from":"/0","path":"/2"}]', '[2,3,1]'],
    ['move onto itself changes nothing', '{"a":[1]}', '[{"op":"move","from":"/a/0","path":"/a/0"}]', '{"a":[1]}'],
    ['move of the document onto itself', '[1]', '[{"op":"move","from":"","path":""}]', '[1]'],
    ['move to the root', '{"a":{"b":1}}', '[{"op":"move","from":"/a","path":""}]', '{"b":1}'],
    ['move overwrites', '{"a":1,"b":2}', '[{"op":"move","from":"/a","path":"/b"}]', '{"b":1}'],
    ['a longer key is not inside', '{"a":1}', '[{"op":"move","from":"/a","path":"/ab"}]', '{"ab":1}'],
    ['copy puts a whole value', '{"a":[1]}', '[{"op":"copy","from":"/a","path":"/b"}]', '{"a":[1],"b":[1]}'],
    ['copy of the document into itself', '{"a":1}', '[{"op":"copy","from":"","path":"/b"}]', '{"a":1,"b":{"a":1}}'],
    [
      'test of an object in another order',
      '{"a":{"x":1,"y":[{}]}}',
      '[{"op":"test","path":"/a","value":{"y":[{}],"x":1}}]',
      '{"a":{"x":1,"y":[{}]}}',
    ],
    ['test of the document', '[1]', '[{"op":"test","path":"","value":[1.0]}]', '[1]'],
    [
      'members that no operation defines are ignored',
      '[]',
      '[{"op":"add","path":"/0","value":1,"from":5,"x":[]}]',
      '[1]',
    ],
    ['an empty patch', '{"a":1}', '[]', '{"a":1}'],
  ])('%s', (_name, document, patch, expected) => {
    expect(writeJson(apply(read(document), read(patch)))).toBe(expected);
  });

  it.each<[string, string, string, string]>([
    ['a patch that is no list', '{}', '{"op":"add","path":"/a","value":1}', 'patch: not a list of operations'],
    ['an operation that is no object', '{}', '[["add"]]', 'patch[0]: the operation is not an object'],
    ['a missing op', '{}', '[{"path":"/a","value":1}]', 'patch[0] "/a": "op" is missing'],
    ['an unknown op', '{}', '[{"op":"spam","path":""}]', 'patch[0] spam "": "op" is not one of add, remove'],
    ['an op that is no string', '{}', '[{"op":null,"path":""}]', '"op" is not a string'],
    ['an op by the name of a method', '{}', '[{"op":"constructor","path":""}]', '"op" is not one of'],
    ['a missing path', '{}', '[{"op":"add","value":1}]', 'patch[0] add: "path" is missing'],
    ['a path that is null', '{}', '[{"op":"add","path":null,"value":1}]', '"path" is not a string'],
    ['a path that is no pointer', '{}', '[{"op":"add","path":"foo","value":1}]', 'does not begin with "/"'],
    ['a missing value', '{}', '[{"op":"add","path":"/a"}]', 'patch[0] add "/a": "value" is missing'],
    ['a missing value of replace', '{"a":1}', '[{"op":"replace","path":"/a"}]', '"value" is missing'],
    ['a missing value of test', '{"a":null}', '[{"op":"test","path":"/a"}]', '"value" is missing'],
    ['a missing from', '{"a":1}', '[{"op":"move","path":"/b"}]', '"from" is missing'],
    ['a from that is no pointer', '{"a":1}', '[{"op":"copy","from":"a","path":"/b"}]', 'does not begin with "/"'],
    ['copy from nowhere', '{"a":1}', '[{"op":"copy","from":"/x","path":"/b"}]', 'the document has no member "x"'],
    ['move from nowhere', '{"a":1}', '[{"op":"move","from":"/x","path":"/x"}]', 'the document has no member "x"'],
    [
      'move into itself',
      '{"a":{"b":1}}',
      '[{"op":"move","from":"/a","path":"/a/c"}]',
      '"/a" cannot be moved into itself',
    ],
    ['move of the document into itself', '{}', '[{"op":"move","from":"","path":"/a"}]', 'cannot be moved into itself'],
    ['add below nothing', '{}', '[{"op":"add","path":"/a/b","value":1}]', 'the document has no member "a"'],
    [
      'add inside a string',
      '{"a":"x"}',
      '[{"op":"add","path":"/a/0","value":1}]',
      '"/a" is neither an object nor a list',
    ],
    ['add inside a scalar document', '1', '[{"op":"add","path":"/a","value":1}]', 'the document is neither'],
    [
      'add past the end',
      '{"a":[1]}',
      '[{"op":"add","path":"/a/2","value":1}]',
      'the list "/a" has 1 elements and no place 2',
    ],
    [
      'add at a huge index',
      '[]',
      '[{"op":"add","path":"/99999999999999999999","value":1}]',
      'no place 99999999999999999999',
    ],
    [
      'add at a leading zero',
      '[1]',
      '[{"op":"add","path":"/01","value":1}]',
      '"01" is not an index of the list the document',
    ],
    ['add at an exponent', '[1,2]', '[{"op":"add","path":"/1e0","value":1}]', '"1e0" is not an index'],
    ['add at a negative index', '[1]', '[{"op":"add","path":"/-1","value":1}]', '"-1" is not an index'],
    ['add at "length"', '[1]', '[{"op":"add","path":"/length","value":0}]', '"length" is not an index'],
    ['remove of nothing', '{"a":1}', '[{"op":"remove","path":"/b"}]', 'the document has no member "b"'],
    ['remove below nothing', '{"a":1}', '[{"op":"remove","path":"/b/c"}]', 'the document has no member "b"'],
    ['remove past the end', '[1]', '[{"op":"remove","path":"/1"}]', 'the list the document has 1 elements'],
    ['remove at "-"', '[1]', '[{"op":"remove","path":"/-"}]', 'no place -'],
    ['remove of the document', '{}', '[{"op":"remove","path":""}]', 'the whole document cannot be removed'],
    ['replace of nothing', '{}', '[{"op":"replace","path":"/a","value":1}]', 'the document has no member "a"'],
    ['replace at "-"', '[1]', '[{"op":"replace","path":"/-","value":1}]', 'no place -'],
    ['test at a leading zero', '[1]', '[{"op":"test","path":"/00","value":1}]', '"00" is not an index'],
    ['test of nothing', '{}', '[{"op":"test","path":"/a","value":null}]', 'the document has no member "a"'],
    [
      'test that differs',
      '{"a":"secret"}',
      '[{"op":"test","path":"/a","value":"other"}]',
      'the value there is another one',
    ],
    [
      'test of a number against a string',
      '{"a":1}',
      '[{"op":"test","path":"/a","value":"1"}]',
      'the value there is another one',
    ],
  ])('refuses %s', (_name, document, patch, message) => {
    const target = read(document);
    expect(() => apply(target, read(patch))).toThrow(PatchApplyError);
    expect(() => apply(target, read(patch))).toThrow(message);
    expect(writeJson(target)).toBe(document);
  });

  it('names the operation that does not apply, and applies none', () => {
    const document = read('{"a":[1]}');
    const patch = read('[{"op":"add","path":"/a/-","value":2},{"op":"remove","path":"/a/7"}]');
    let thrown: unknown;
    try {
      apply(document, patch);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({
      code: 'SALLYPORT_PATCH_APPLY',
      index: 1,
      op: 'remove',
      path: '/a/7',
      reason: 'the list "/a" has 2 elements and no place 7',
    });
    expect(writeJson(document)).toBe('{"a":[1]}');
  });

  it('says nothing of the values in its message', () => {
    const patch = [{ op: 'test', path: '/a', value: 'swordfish' }];
    expect(() => apply({ a: 'hunter2' }, patch)).toThrow(/^patch\[0\] test "\/a": the value there is another one$/);
  });

  it('changes neither the document nor the patch, however often a value is used', () => {
    const value = { list: [1] };
    const document = { a: { b: [value] }, c: value };
    const patch = [
      { op: 'add', path: '/x', value },
      { op: 'add', path: '/x/list/-', value: 2 },
      { op: 'copy', from: '/x', path: '/y' },
      { op: 'add', path: '/x/list/-', value: 3 },
      { op: 'add', path: '/y/list/0', value: 0 },
      { op: 'copy', from: '/a', path: '/d' },
      { op: 'remove', path: '/a/b/0/list/0' },
      { op: 'move', from: '/d', path: '/e' },
      { op: 'add', path: '/e/b/0/list/-', value: 9 },
    ];
    const before = JSON.stringify([document, patch]);
    expect(apply(document, patch)).toEqual({
      a: { b: [{ list: [] }] },
      c: { list: [1] },
      x: { list: [1, 2, 3] },
      y: { list: [0, 1, 2] },
      e: { b: [{ list: [1, 9] }] },
    });
    expect(JSON.stringify([document, patch])).toBe(before);
  });

  it('shares with the document what the patch did not touch', () => {
    const document = { a: { deep: [1] }, b: { c: 1 } };
    const result = apply(document, [{ op: 'replace', path: '/b/c', value: 2 }]) as typeof document;
    expect(result.a).toBe(document.a);
    expect(result.b).not.toBe(document.b);
  });

  it('takes raw numbers for leaves', () => {
    const document = readExactJson('{"a":1.0,"b":[9007199254740993]}');
    const patch = readExactJson(
      '[{"op":"test","path":"/a","value":1.0},{"op":"move","from":"/b/0","path":"/c"},{"op":"add","path":"/b/-","value":1e3}]',
    );
    expect(writeJson(apply(document, patch))).toBe('{"a":1.0,"b":[1e3],"c":9007199254740993}');
    expect(() => apply(document, [{ op: 'test', path: '/a', value: 1 }])).toThrow('another one');
    expect(() => apply(document, [{ op: 'test', path: '/a/rawJSON', value: '1.0' }])).toThrow('neither an object');
    expect(() => apply(document, [{ op: 'add', path: '/a/x', value: 1 }])).toThrow('neither an object');
    expect(() => apply(readExactJson('[1.0]'), readExactJson('[1.0]'))).toThrow('the operation is not an object');
  });

  it('works 10,000 levels deep', () => {
    const depth = 10_000;
    const document = read(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`);
    const path = '/a'.repeat(depth);
    expect(equal(apply(document, [{ op: 'test', path, value: 1 }]), document)).toBe(true);
    expect(writeJson(apply(document, [{ op: 'replace', path, value: 2 }]))).toBe(writeJson(document).replace('1', '2'));
  });

  it('takes 20,000 operations on one list in its stride', () => {
    const patch = Array.from({ length: 20_000 }, (_, index) => ({ op: 'add', path: '/a/-', value: index }));
    const result = apply({ a: [] }, patch) as { a: JsonValue[] };
    expect(result.a).toHaveLength(20_000);
  });
});

describe('apply() and prototypes', () => {
  const hostileKeys = [
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'valueOf',
    '__defineGetter__',
  ];

  it.each(hostileKeys)('adds, replaces, moves and removes an own member %s', (key) => {
    const added = apply({}, [{ op: 'add', path: `/${key}`, value: { polluted: 1 } }]);
    expect(JSON.stringify(added)).toBe(`{"${key}":{"polluted":1}}`);
    expect(Object.getPrototypeOf(added)).toBe(Object.prototype);
    expect((added as { polluted?: unknown }).polluted).toBeUndefined();

    const replaced = apply(added, [{ op: 'replace', path: `/${key}/polluted`, value: 2 }]);
    expect(JSON.stringify(replaced)).toBe(`{"${key}":{"polluted":2}}`);
    expect(Object.getPrototypeOf(replaced)).toBe(Object.prototype);

    const moved = apply({ a: added }, [{ op: 'move', from: '/a', path: `/${key}` }]);
    expect(Object.keys(moved as object)).toEqual([key]);
    expect(Object.getPrototypeOf(moved)).toBe(Object.prototype);

    expect(apply(replaced, [{ op: 'remove', path: `/${key}` }])).toEqual({});
  });

  it.each(hostileKeys.flatMap((key) => [`/${key}`, `/${key}/polluted`, `/${key}/prototype/polluted`, `/list/${key}`]))(
    'reaches nothing inherited by %s',
    (path) => {
      const document = { list: [] };
      for (const op of ['replace', 'test'] as const) {
        expect(() => apply(document, [{ op, path, value: 1 }])).toThrow(PatchApplyError);
      }
      expect(() => apply(document, [{ op: 'remove', path }])).toThrow(PatchApplyError);
      expect(() => apply(document, [{ op: 'copy', from: path, path: '/x' }])).toThrow(PatchApplyError);
      expect(() => apply(document, [{ op: 'move', from: path, path: '/x' }])).toThrow(PatchApplyError);
      if (path.split('/').length > 2) {
        expect(() => apply(document, [{ op: 'add', path, value: 1 }])).toThrow(PatchApplyError);
      }
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
      expect(([] as { polluted?: unknown }).polluted).toBeUndefined();
    },
  );
});
