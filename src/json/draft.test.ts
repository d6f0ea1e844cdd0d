import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  apply,
  clone,
  diff,
  Draft,
  isJsonObject,
  NotJsonError,
  rawNumber,
  readExactJson,
  readJson,
  writeJson,
  type JsonArray,
  type JsonObject,
  type JsonValue,
} from './index.ts';

const read = (text: string): JsonValue => readJson(text).value;

interface Pod extends JsonObject {
  metadata: { labels: Record<string, string>; annotations?: Record<string, string> };
  spec: {
    containers: { name: string; args: string[]; env: { name: string }[]; resources?: JsonObject }[];
    nodes: string[];
  };
  status: JsonObject;
}

const pod = (): Pod => ({
  metadata: { labels: { app: 'web' } },
  spec: {
    containers: [
      { name: 'a', args: ['x', 'y'], env: [{ name: 'HOME' }] },
      { name: 'b', args: [], env: [] },
    ],
    nodes: ['n1', 'n2'],
  },
  status: { conditions: [{ type: 'Ready' }] },
});

describe('a draft', () => {
  const dates: object = Date.prototype;

  // Each edit is made to a draft and to a deep copy.
  it.each<[string, (pod: Pod) => unknown]>([
    ['nothing', () => undefined],
    ['reading everything', (draft) => JSON.stringify(draft)],
    ['a member set', ({ metadata }) => (metadata.labels['team'] = 'shop')],
    ['a member set to what it was', ({ metadata }) => (metadata.labels['app'] = 'web')],
    ['a member removed', ({ metadata }) => delete metadata.labels['app']],
    [
      'a member exchanged for undefined',
      ({ metadata }) => ((metadata.labels as Record<string, unknown>)['app'] = undefined),
    ],
    [
      'a member removed and another one added as undefined',
      ({ metadata }) => {
        delete metadata.labels['app'];
        (metadata.labels as Record<string, unknown>)['tier'] = undefined;
      },
    ],
    ['labels spread', (draft) => (draft.metadata.labels = { ...draft.metadata.labels, team: 'shop' })],
    ['containers spread', ({ spec }) => (spec.containers = [...spec.containers, { name: 'c', args: [], env: [] }])],
    ['each container edited', ({ spec }) => spec.containers.forEach((each) => (each.resources ??= { limits: {} }))],
    [
      'edits inside what was put there',
      ({ spec: { containers } }) => containers.map((each) => ((each.resources = {} as JsonObject)['a'] = 1)),
    ],
    ['elements put in front', ({ spec }) => spec.containers.unshift({ name: 'c', args: ['z'], env: [] })],
    [
      'elements cut out, then an edit behind them',
      ({ spec: { containers } }) => {
        containers.splice(0, 1);
        containers[0]?.args.push('late');
      },
    ],
    ['lists reversed and sorted', ({ spec: { containers, nodes } }) => [containers.reverse(), nodes.sort().reverse()]],
    ['a list made shorter by its length', ({ spec }) => (spec.containers.length = 1)],
    [
      'found, filtered and mapped',
      ({ spec }) =>
        (spec.containers = spec.containers.filter(({ name }) => name === 'b').map((each) => ({ ...each, name: 'c' }))),
    ],
    ['moved outwards', (draft) => (draft.status['first'] = draft.spec.containers[0] ?? null)],
    [
      'moved inwards',
      (draft) => {
        const { status } = draft;
        const { containers } = draft.spec;
        Object.assign(containers[0] ?? {}, { status });
        status['late'] = true;
      },
    ],
    [
      'in two places, then edited in one',
      (draft) => {
        draft.status['again'] = draft.spec;
        draft.spec.nodes.push('n3');
      },
    ],
    [
      'parts inside an object of the handler',
      (draft) => (draft.status['made'] = { deep: [{ spec: draft.spec, labels: draft.metadata.labels }] }),
    ],
    ['frozen, read and left', ({ spec }) => Object.freeze(spec).containers.map((each) => Object.freeze(each).name)],
    [
      'frozen, with a change inside',
      (draft) => {
        Object.freeze(draft.spec);
        draft.spec.containers[1]?.args.push('x');
        draft.status['spec'] = draft.spec;
      },
    ],
    [
      'Object.defineProperty',
      ({ status }) => Object.defineProperty(status, 'phase', { value: 'Running', enumerable: true }),
    ],
    [
      'members that cannot be written',
      (draft) => {
        const { metadata, spec, status } = draft;
        Object.defineProperty(status, 'nodes', { value: spec.nodes, enumerable: true });
        Object.defineProperty(metadata.labels, 'spec', { value: spec, enumerable: true });
        spec.containers[0]?.args.push('late');
      },
    ],
    [
      'a member that cannot be written before it was read',
      (draft) => {
        Object.defineProperty(draft, 'spec', { writable: false, configurable: false });
        draft.spec.nodes.push('n3');
      },
    ],
    [
      'a getter, and edits by way of it',
      (draft) => {
        const get = function (this: Pod): Pod['spec'] {
          return this.spec;
        };
        Object.defineProperty(draft, 'same', { get, enumerable: true });
        (draft['same'] as Pod['spec']).nodes.push('n3');
      },
    ],
    [
      'a getter of a prototype, and edits by way of it',
      (draft) => {
        const get = function (this: Pod): Pod {
          return this;
        };
        const prototype = Object.create(null, { self: { get } }) as object;
        Object.setPrototypeOf(draft, prototype);
        (draft['self'] as Pod).spec.nodes.push('n3');
        Object.setPrototypeOf(draft, Object.prototype);
      },
    ],
    [
      'sealed, with a member __proto__',
      ({ spec, status }) => {
        const descriptor = { value: { spec }, enumerable: true, configurable: true, writable: true };
        Object.defineProperty(status, '__proto__', descriptor);
        Object.seal(status);
      },
    ],
    [
      'objects that inherit',
      (draft) => {
        const heir = Object.create(draft.spec) as JsonObject;
        heir['nodes'] = [];
        Reflect.set(draft.spec, 'phase', 'Running', draft.status);
      },
    ],
    ['Object.entries', (draft) => (draft.status['all'] = Object.fromEntries(Object.entries(draft.spec)))],
    [
      'a member __proto__',
      (draft) =>
        Object.defineProperty(draft.status, '__proto__', {
          value: { a: draft.spec.nodes },
          enumerable: true,
          configurable: true,
          writable: true,
        }),
    ],
  ])('ends as a deep copy would: %s', (_name, edit) => {
    const before = pod();
    const copy = clone(before);
    edit(copy);
    const draft = new Draft(before);
    edit(draft.root);
    const after = draft.finish(draft.root) as JsonValue;
    expect(writeJson(after)).toBe(writeJson(copy));
    expect(before).toEqual(pod());
    expect(diff(before, after)).toEqual(diff(before, copy));
  });

  it('leaves what was not changed the very object that it was', () => {
    const before = pod();
    const draft = new Draft(before);
    const { root } = draft;
    root.spec.containers[0]?.args.push('z');
    JSON.stringify(root);
    const after = draft.finish(root) as Pod;
    expect(after).not.toBe(before);
    expect(after.metadata).toBe(before.metadata);
    expect(after.status).toBe(before.status);
    expect(after.spec.nodes).toBe(before.spec.nodes);
    expect(after.spec.containers[0]?.env).toBe(before.spec.containers[0]?.env);
    expect(after.spec.containers[1]).toBe(before.spec.containers[1]);
    const untouched = new Draft(before);
    expect(untouched.finish({ ...untouched.root, status: untouched.root.status })).toEqual(before);
    expect(untouched.finish(untouched.root)).toBe(before);
  });

  it('is as good as an ordinary object to who looks', () => {
    const { root } = new Draft(pod());
    expect(root).toEqual(pod());
    expect(root.spec).toBe(root.spec);
    expect(Array.isArray(root.spec.containers)).toBe(true);
    expect(Object.getPrototypeOf(root.spec)).toBe(Object.prototype);
    expect(root.spec.containers.includes(root.spec.containers[1] as never)).toBe(true);
    expect(Object.keys(root)).toEqual(['metadata', 'spec', 'status']);
    expect('spec' in root).toBe(true);
    expect(Object.getOwnPropertyDescriptor(root, 'spec')).toMatchObject({ value: root.spec, writable: true });
    expect('toString' in root).toBe(true);
    expect(root.status['__proto__']).toBe(Object.prototype);
    expect(() => structuredClone(root)).toThrow('could not be cloned');
    const copy = clone(root);
    expect(structuredClone(copy)).toEqual(pod());
  });

  it('never hands out the document through a prototype', () => {
    const before = read('{"__proto__":{"__proto__":{"a":[1]}},"b":{}}') as JsonObject;
    const text = writeJson(before);
    const draft = new Draft(before);
    const inner = (draft.root['__proto__'] as JsonObject)['__proto__'] as JsonObject;
    (inner['a'] as JsonArray).push(2);
    expect(writeJson(draft.finish(draft.root) as JsonValue)).toBe('{"__proto__":{"__proto__":{"a":[1,2]}},"b":{}}');
    expect(writeJson(before)).toBe(text);
    expect(({} as JsonObject)['a']).toBeUndefined();
  });

  it.each<[string, (draft: Pod) => unknown]>([
    ['what contains itself', (draft) => (draft.status['self'] = draft)],
    [
      'what contains itself by way of an object of the handler',
      (draft) => (draft.status['self'] = { list: [draft.spec, draft] }),
    ],
    ['a Date', (draft) => (draft.status['at'] = new Date(0) as never)],
    ['a prototype', (draft) => Reflect.setPrototypeOf(draft.spec, dates)],
    ['a hole', ({ spec }) => Reflect.deleteProperty(spec.nodes, 0)],
    ['what inherits', (draft) => (draft.status['heir'] = Object.create(draft.spec) as JsonObject)],
    ['a prototype of a leaf', (draft) => Reflect.setPrototypeOf(draft.metadata.labels, dates)],
  ])('leaves what JSON cannot carry to be refused: %s', (_name, edit) => {
    const before = pod();
    const draft = new Draft(before);
    edit(draft.root);
    expect(() => diff(before, draft.finish(draft.root) as JsonValue)).toThrow(NotJsonError);
  });

  it('takes the parts of another draft as they are at that moment', () => {
    const other = new Draft(pod());
    other.root.spec.nodes.push('n3');
    const draft = new Draft(pod());
    draft.root.status['other'] = { spec: other.root.spec };
    const after = draft.finish(draft.root) as Pod;
    expect(after.status['other']).toEqual({ spec: { ...pod().spec, nodes: ['n1', 'n2', 'n3'] } });
    expect(structuredClone(after)).toEqual(after);
  });

  it('keeps raw numbers, and the literals of numbers', () => {
    const exact = readExactJson('{"a":{"n":1.0},"b":{"list":[1e3,{}]}}') as { a: JsonObject; b: { list: JsonArray } };
    const raw = new Draft(exact);
    expect(raw.root.a['n']).toEqual(rawNumber('1.0'));
    raw.root.b.list.push(rawNumber('2.0') as unknown as JsonObject);
    expect(writeJson(raw.finish(raw.root) as JsonValue)).toBe('{"a":{"n":1.0},"b":{"list":[1e3,{},2.0]}}');

    const text = '{"a":{"list":[9007199254740993,9007199254740992,{}]}}';
    const { value, literals } = readJson(text);
    const draft = new Draft(value as { a: JsonObject }, literals);
    draft.root.a['b'] = 1;
    expect(writeJson(draft.finish(draft.root) as JsonValue, literals)).toBe(text.replace(']}}', '],"b":1}}'));
  });

  it.each(['null', '1', '"a"', 'true'])('of %s is that', (text) => {
    const draft = new Draft(read(text));
    expect(draft.root).toBe(read(text));
    expect(draft.finish(draft.root)).toBe(read(text));
  });

  it('takes nesting of any depth', () => {
    const depth = 10_000;
    const before = read(`${'{"a":['.repeat(depth)}1${']}'.repeat(depth)}`);
    const draft = new Draft(before);
    let inner = draft.root as { a: JsonArray };
    for (let level = 1; level < depth; level += 1) inner = inner.a[0] as { a: JsonArray };
    inner.a.push(2);
    expect(diff(before, draft.finish(draft.root) as JsonValue)).toHaveLength(1);
    const moved = new Draft(before);
    const made = clone(before) as { a: JsonArray };
    let innermost = made;
    for (let level = 1; level < depth; level += 1) innermost = innermost.a[0] as { a: JsonArray };
    innermost.a[0] = moved.root;
    expect(writeJson(moved.finish(made) as JsonValue)).toHaveLength(writeJson(before).length * 2 - 1);

    const links = read(`[${'{"last":{}},'.repeat(depth)}{"last":{}}]`) as { last: JsonObject }[];
    const chain = new Draft(links);
    const last = chain.root.reduce((former, link) => Object.assign(link, { last: former }));
    expect(writeJson(chain.finish(last) as JsonValue)).toBe(
      `${'{"last":'.repeat(depth + 1)}{}${'}'.repeat(depth + 1)}`,
    );
  });
});

describe('a draft under any edits', () => {
  type Container = JsonArray | JsonObject;
  const isContainer = (value: unknown): value is Container => Array.isArray(value) || isJsonObject(value);

  /** The container that the numbers lead to, each choosing among the members that lead on. */
  function pick(root: Container, path: readonly number[]): Container {
    let container = root;
    for (const number of path) {
      const inner = Object.values(container).filter(isContainer);
      const next = inner[number % Math.max(1, inner.length)];
      if (next === undefined) break;
      container = next;
    }
    return container;
  }

  function holds(value: JsonValue, wanted: Container): boolean {
    return value === wanted || (isContainer(value) && Object.values(value).some((member) => holds(member, wanted)));
  }

  interface Step {
    readonly kind: number;
    readonly path: readonly number[];
    readonly other: readonly number[];
    readonly key: string;
    readonly number: number;
  }

  /** What a step does, the same for an array as for an object. */
  const kinds: ((root: Container, step: Step) => void)[] = [
    (root, { path, key, number }) => setMember(pick(root, path), key, number, number),
    (root, { path, key, number }) => setMember(pick(root, path), key, number, { made: [number, {}] }),
    (root, { path, number }) => {
      const container = pick(root, path);
      if (Array.isArray(container)) container.splice(number % (container.length + 1), 1);
      else delete container[Object.keys(container)[number % Math.max(1, Object.keys(container).length)] ?? ''];
    },
    (root, { path, number }) => {
      const container = pick(root, path);
      if (Array.isArray(container)) container.splice(number % (container.length + 1), 0, number, [number]);
    },
    (root, { path }) => {
      const container = pick(root, path);
      if (Array.isArray(container)) container.reverse();
    },
    (root, { path, key, number }) => {
      const container = pick(root, path);
      const inner = pick(container, [number]);
      if (inner !== container)
        setMember(container, key, number, Array.isArray(inner) ? [...inner, 1] : { ...inner, extra: 1 });
    },
    // Puts one part into another, or beside it, inside an object of its own or not.
    (root, { path, other, key, number }) => setMember(pick(root, path), key, number, pick(root, other)),
    (root, { path, other, key, number }) => setMember(pick(root, path), key, number, { inside: [pick(root, other)] }),
  ];

  function setMember(container: Container, key: string, index: number, value: JsonValue): void {
    if (Array.isArray(container)) container[index % (container.length + 1)] = value;
    else container[key] = value;
  }

  it('ends as a deep copy does, and leaves the document alone', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'constructor', 'toString', '0', 'length');
    const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<JsonValue>(null, true, 1, 'a'),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(key, tie('value'), { maxKeys: 4 }),
      ),
    }));
    const path = fc.array(fc.nat(7), { maxLength: 4 });
    const step = fc.record({ kind: fc.nat(kinds.length - 1), path, other: path, key, number: fc.nat(9) });
    fc.assert(
      fc.property(fc.dictionary(key, value, { minKeys: 1 }), fc.array(step, { maxLength: 12 }), (made, steps) => {
        const before = read(writeJson(made)) as JsonObject;
        const text = writeJson(before);
        const copy = clone(before);
        const draft = new Draft(before);
        for (const each of steps) {
          // What would contain itself is another test.
          if (holds(pick(copy, each.other), pick(copy, each.path))) continue;
          kinds[each.kind]?.(copy, each);
          kinds[each.kind]?.(draft.root, each);
        }
        const after = draft.finish(draft.root) as JsonValue;
        expect(writeJson(after)).toBe(writeJson(copy));
        expect(writeJson(before)).toBe(text);
        // Nothing of the draft is left in it.
        expect(structuredClone(after)).toEqual(after);
        expect(writeJson(apply(before, diff(before, after)))).toBe(writeJson(apply(before, diff(before, copy))));
      }),
      { numRuns: 3000 },
    );
  });
});
