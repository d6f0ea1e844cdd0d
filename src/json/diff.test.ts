import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  apply,
  clone,
  diff,
  equal,
  NotJsonError,
  readExactJson,
  readJson,
  writeJson,
  type JsonObject,
  type JsonValue,
  type PatchOperation,
} from './index.ts';

const read = (text: string): JsonValue => readJson(text).value;

/** The patch from `before` to `after`, checked to lead there, over its text as it travels, and to change neither. */
function checkedDiff(before: JsonValue, after: JsonValue): PatchOperation[] {
  const texts = [writeJson(before), writeJson(after)] as const;
  const patch = diff(before, after);
  const expected = read(texts[1]);
  expect(equal(apply(before, read(writeJson(patch))), expected)).toBe(true);
  expect(patch.length === 0).toBe(equal(before, expected));
  expect([writeJson(before), writeJson(after)]).toEqual(texts);
  return patch;
}

/** The patch after an edit, as `op path` lines, values left out. */
function editLines(before: JsonValue, edit: (draft: never) => void): string[] {
  const draft = clone(before);
  // Cast: each case states the shape of the object it edits.
  edit(draft as never);
  return checkedDiff(before, draft).map((operation) =>
    [operation.op, 'from' in operation ? operation.from : '', operation.path].filter((part) => part !== '').join(' '),
  );
}

describe('diff() of what people do to a Pod', () => {
  interface Named {
    [key: string]: JsonValue;
    name: string;
  }
  interface Container extends Named {
    image: string;
    args: string[];
    env: Named[];
    ports: JsonObject[];
    volumeMounts: JsonObject[];
  }
  interface Pod {
    metadata: { name: string; labels: { [key: string]: string }; annotations?: { [key: string]: string } };
    spec: {
      containers: Container[];
      initContainers?: Container[];
      tolerations: JsonObject[];
      volumes: Named[];
      topologySpreadConstraints: JsonObject[];
      imagePullSecrets?: Named[];
      finalizers?: string[];
    };
  }
  const otherArgs = ['ALPHA', 'BETA', 'GAMMA'].map((gate) => `--feature-gates=${gate}=true`);
  const container = (name: string): Container => ({
    name,
    image: `registry.example.com/team/${name}:1.2.3`,
    args: ['--port=8080', '--log-level=info', '--verbose', `--config=/etc/config/${name}.yaml`, ...otherArgs],
    env: ['HOME', 'REGION', 'ZONE', 'LEVEL'].map((variable) => ({ name: variable, value: `value of ${variable}` })),
    ports: [
      { containerPort: 53, protocol: 'UDP' },
      { containerPort: 53, protocol: 'TCP' },
      { containerPort: 8080, protocol: 'TCP' },
    ],
    volumeMounts: [
      { name: 'config', mountPath: '/etc/config' },
      { name: 'config', mountPath: '/etc/other', subPath: 'other' },
      { name: 'token', mountPath: '/var/run/secrets', readOnly: true },
    ],
    resources: {},
    terminationMessagePath: '/dev/termination-log',
  });
  const pod: Pod & JsonObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', labels: { app: 'web', 'app.kubernetes.io/part-of': 'shop' } },
    spec: {
      containers: [container('web'), container('proxy'), container('log')],
      tolerations: [
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', tolerationSeconds: 300 },
        { key: 'node.kubernetes.io/unreachable', operator: 'Exists', tolerationSeconds: 300 },
      ],
      volumes: [
        { name: 'config', configMap: { name: 'web' } },
        { name: 'token', projected: {} },
      ],
      topologySpreadConstraints: [
        { topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', maxSkew: 1 },
        { topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 2 },
      ],
    },
  };

  const cases: [name: string, edit: (draft: Pod) => void, lines: string[]][] = [
    ['nothing', () => {}, []],
    ['keys in another order', (pod) => reorderKeys(pod), []],
    ['a sidecar in front', ({ spec }) => spec.containers.unshift(container('sidecar')), ['add /spec/containers/0']],
    ['a sidecar at the end', ({ spec }) => spec.containers.push(container('sidecar')), ['add /spec/containers/3']],
    ['the first container removed', ({ spec }) => spec.containers.shift(), ['remove /spec/containers/0']],
    [
      'two containers removed',
      ({ spec }) => void (spec.containers = spec.containers.slice(1, 2)),
      ['remove /spec/containers/2', 'remove /spec/containers/0'],
    ],
    [
      'two items removed in two lists',
      ({ spec }) => {
        spec.containers.splice(1, 1);
        spec.volumes.shift();
      },
      ['remove /spec/containers/1', 'remove /spec/volumes/0'],
    ],
    [
      'a sidecar in front, and an edit behind it',
      ({ spec }) => {
        nth(spec.containers, 1).image = 'other';
        spec.containers.unshift(container('sidecar'));
      },
      ['add /spec/containers/0', 'replace /spec/containers/2/image'],
    ],
    [
      'sidecars in front and between, one removed',
      ({ spec }) => {
        spec.containers.splice(2, 1);
        spec.containers.splice(1, 0, container('between'));
        spec.containers.unshift(container('front'));
      },
      ['remove /spec/containers/2', 'add /spec/containers/0', 'add /spec/containers/2'],
    ],
    [
      'defaults in every container',
      ({ spec }) => spec.containers.forEach((each) => (each['resources'] = { requests: { cpu: '100m' } })),
      [0, 1, 2].map((index) => `add /spec/containers/${index}/resources/requests`),
    ],
    [
      'a member replaced by one of another kind',
      ({ spec }) => (nth(spec.containers, 0)['resources'] = null),
      ['replace /spec/containers/0/resources'],
    ],
    [
      'a label with a slash, one removed, one changed',
      ({ metadata }) => {
        metadata.labels['example.com/tier~1'] = 'x';
        delete metadata.labels['app'];
        metadata.labels['app.kubernetes.io/part-of'] = 'y';
      },
      [
        'remove /metadata/labels/app',
        'replace /metadata/labels/app.kubernetes.io~1part-of',
        'add /metadata/labels/example.com~1tier~01',
      ],
    ],
    [
      'annotations where there are none',
      ({ metadata }) => (metadata.annotations = { a: 'b' }),
      ['add /metadata/annotations'],
    ],
    ['a whole new list', ({ spec }) => (spec.initContainers = [container('init')]), ['add /spec/initContainers']],
    ['a list removed', ({ spec }) => delete (spec as Partial<Pod['spec']>).volumes, ['remove /spec/volumes']],
    [
      'an env var added in the middle',
      ({ spec }) => nth(spec.containers, 1).env.splice(2, 0, { name: 'NEW', value: 'x' }),
      ['add /spec/containers/1/env/2'],
    ],
    [
      'an env var changed',
      ({ spec }) => (nth(nth(spec.containers, 1).env, 3)['value'] = 'x'),
      ['replace /spec/containers/1/env/3/value'],
    ],
    [
      'an env var renamed',
      ({ spec }) => (nth(nth(spec.containers, 1).env, 3).name = 'X'),
      ['replace /spec/containers/1/env/3/name'],
    ],
    [
      'an env var that becomes another one',
      ({ spec }) => nth(spec.containers, 1).env.splice(3, 1, { name: 'X', value: 'y' }),
      ['replace /spec/containers/1/env/3'],
    ],
    [
      'a container that becomes another one',
      ({ spec }) => spec.containers.splice(1, 1, { ...container('cache'), resources: { limits: { cpu: '1' } } }),
      ['replace /spec/containers/1'],
    ],
    [
      'a container with another name and image',
      ({ spec }) => Object.assign(nth(spec.containers, 1), { name: 'cache', image: 'cache' }),
      ['replace /spec/containers/1/name', 'replace /spec/containers/1/image'],
    ],
    ['a container renamed', ({ spec }) => (nth(spec.containers, 1).name = 'X'), ['replace /spec/containers/1/name']],
    [
      'a port of several with one number',
      ({ spec }) => (nth(nth(spec.containers, 0).ports, 1)['name'] = 'dns-tcp'),
      ['add /spec/containers/0/ports/1/name'],
    ],
    [
      'a port in front of several with one number',
      ({ spec }) => nth(spec.containers, 0).ports.unshift({ containerPort: 53, protocol: 'SCTP' }),
      ['add /spec/containers/0/ports/0'],
    ],
    [
      'a mount in front of several of one volume',
      ({ spec }) => nth(spec.containers, 0).volumeMounts.unshift({ name: 'token', mountPath: '/token' }),
      ['add /spec/containers/0/volumeMounts/0'],
    ],
    [
      'a toleration changed and one added in front',
      ({ spec }) => {
        nth(spec.tolerations, 1)['tolerationSeconds'] = 30;
        spec.tolerations.unshift({ key: 'gpu', operator: 'Exists' });
      },
      ['add /spec/tolerations/0', 'replace /spec/tolerations/2/tolerationSeconds'],
    ],
    [
      'one constraint of two with the same topologyKey',
      ({ spec }) => {
        nth(spec.topologySpreadConstraints, 1)['maxSkew'] = 5;
        spec.topologySpreadConstraints.unshift({ topologyKey: 'node', whenUnsatisfiable: 'DoNotSchedule', maxSkew: 1 });
      },
      ['add /spec/topologySpreadConstraints/0', 'replace /spec/topologySpreadConstraints/2/maxSkew'],
    ],
    [
      'arguments put in at two places',
      ({ spec }) => {
        nth(spec.containers, 0).args.splice(1, 0, '--a');
        nth(spec.containers, 0).args.push('--b');
      },
      ['add /spec/containers/0/args/1', 'add /spec/containers/0/args/8'],
    ],
    [
      'an argument changed',
      ({ spec }) => (nth(spec.containers, 0).args[1] = '--x'),
      ['replace /spec/containers/0/args/1'],
    ],
    [
      'one argument removed and one changed',
      ({ spec }) => nth(spec.containers, 0).args.splice(0, 2, '--port=9090'),
      ['remove /spec/containers/0/args/1', 'replace /spec/containers/0/args/0'],
    ],
    [
      'a container moved to the front',
      ({ spec }) => spec.containers.unshift(...spec.containers.splice(2, 1)),
      ['move /spec/containers/2 /spec/containers/0'],
    ],
    [
      'a container moved to the end and edited',
      ({ spec }) => {
        spec.containers.push(...spec.containers.splice(0, 1));
        nth(spec.containers, 2).image = 'x';
      },
      ['move /spec/containers/0 /spec/containers/2', 'replace /spec/containers/2/image'],
    ],
    [
      'moved, added and removed at once',
      ({ spec }) => {
        const [web, , log] = spec.containers;
        spec.containers = [log, container('new'), web].filter((each) => each !== undefined);
      },
      ['remove /spec/containers/1', 'move /spec/containers/1 /spec/containers/0', 'add /spec/containers/1'],
    ],
    [
      'an argument moved to the front',
      ({ spec }) => nth(spec.containers, 0).args.unshift(...nth(spec.containers, 0).args.splice(2, 1)),
      ['move /spec/containers/0/args/2 /spec/containers/0/args/0'],
    ],
    [
      'everything gone from a list',
      ({ spec }) => (nth(spec.containers, 0).env = []),
      ['replace /spec/containers/0/env'],
    ],
    [
      'all arguments others: the list is shorter than the operations',
      ({ spec }) => (nth(spec.containers, 0).args = ['a', 'b', 'c']),
      ['replace /spec/containers/0/args'],
    ],
    ['a member set to undefined', ({ spec }) => Object.assign(spec, { volumes: undefined }), ['remove /spec/volumes']],
    ['a member set to undefined that was not there', ({ spec }) => Object.assign(spec, { x: undefined }), []],
  ];

  it.each(cases)('%s', (_name, edit, lines) => {
    expect(editLines(pod, edit)).toEqual(lines);
  });
});

function nth<T>(list: readonly T[], index: number): T {
  const element = list[index];
  if (element === undefined) {
    throw new Error(`no element ${index}`);
  }
  return element;
}

/** Every object in `value` with its keys in the opposite order. */
function reorderKeys(value: unknown): void {
  if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value).reverse()) {
      if (!Array.isArray(value)) {
        Reflect.deleteProperty(value, key);
        Reflect.set(value, key, member);
      }
      reorderKeys(member);
    }
  }
}

describe('diff() of lists by the keys that Kubernetes has for them', () => {
  // All values of x-kubernetes-patch-merge-key and x-kubernetes-list-map-keys in k8s.io/kubernetes v1.37.2
  // api/openapi-spec/swagger.json, each with a list that has it.
  const mergeKeys: [keys: string[], list: string][] = [
    [['name'], 'core.v1.PodSpec.containers'],
    [['type'], 'apps.v1.DeploymentStatus.conditions'],
    [['uid'], 'meta.v1.ObjectMeta.ownerReferences'],
    [['mountPath'], 'core.v1.Container.volumeMounts'],
    [['ip'], 'core.v1.PodSpec.hostAliases'],
    [['containerPort'], 'core.v1.Container.ports'],
    [['containerPort', 'protocol'], 'core.v1.Container.ports'],
    [['devicePath'], 'core.v1.Container.volumeDevices'],
    [['port'], 'core.v1.ServiceSpec.ports'],
    [['port', 'protocol'], 'core.v1.ServiceSpec.ports'],
    [['topologyKey'], 'core.v1.PodSpec.topologySpreadConstraints'],
    [['topologyKey', 'whenUnsatisfiable'], 'core.v1.PodSpec.topologySpreadConstraints'],
    [['status'], 'core.v1.PodVolumeHealth.healthConditions'],
    [['status', 'reason'], 'core.v1.PodVolumeHealth.healthConditions'],
    [['driver', 'device', 'pool'], 'resource.v1.ResourceClaimStatus.devices'],
    [['driver', 'device', 'pool', 'shareID'], 'resource.v1.ResourceClaimStatus.devices'],
    [['resourceClaimName'], 'core.v1.PodStatus.nodeAllocatableResourceClaimStatuses'],
    [['resourceID'], 'core.v1.ResourceStatus.resources'],
    [['apiServerID'], 'apiserverinternal.v1alpha1.StorageVersionStatus.storageVersions'],
    [['rule'], 'apiextensions.v1.JSONSchemaProps.x-kubernetes-validations'],
    // No merge keys, but what people go by in lists that Kubernetes declares atomic.
    [['key'], 'core.v1.PodSpec.tolerations'],
    [['path'], 'networking.v1.HTTPIngressRuleValue.paths'],
    [['host'], 'networking.v1.IngressSpec.rules'],
  ];

  it.each(mergeKeys)('%j of %s', (keys) => {
    // The first of several keys is shared, so that only all of them together tell the elements apart.
    const element = (id: number): JsonObject => ({
      ...Object.fromEntries(keys.map((key, position) => [key, position < keys.length - 1 ? 'same' : id])),
      payload: { value: 'v', other: `long enough that replacing the whole list would not be shorter ${id}` },
    });
    const before = [1, 2, 3, 4].map(element);
    const draft = [5, 1, 3, 4].map(element);
    // All of them edited, so that no element could be found by its value.
    for (const { payload } of draft.slice(1)) {
      (payload as JsonObject)['value'] = 'edited';
    }
    expect(checkedDiff(before, draft).map(({ op, path }) => `${op} ${path}`)).toEqual([
      'remove /1',
      'add /0',
      'replace /1/payload/value',
      'replace /2/payload/value',
      'replace /3/payload/value',
    ]);
  });

  it('falls back to the next key where one repeats, and to values where all do', () => {
    const long = 'long enough that replacing the whole list would not be shorter';
    const list = (...elements: [name: string, key: string][]): JsonValue =>
      elements.map(([name, key]) => ({ name, key, long }));
    const lines = (before: JsonValue, after: JsonValue): string[] =>
      checkedDiff(before, after).map(({ op, path }) => `${op} ${path}`);
    expect(lines(list(['a', 'x'], ['a', 'y']), list(['b', 'z'], ['a', 'x'], ['c', 'y']))).toEqual([
      'add /0',
      'replace /2/name',
    ]);
    expect(lines(list(['a', 'x'], ['a', 'x'], ['a', 'y']), list(['b', 'x'], ['a', 'x'], ['a', 'y']))).toEqual([
      'replace /0/name',
    ]);
  });

  it('stays with a port while its protocol is being defaulted', () => {
    const ports = (protocol: JsonObject): JsonValue =>
      [80, 443].map((containerPort) => ({ containerPort, ...protocol }));
    expect(checkedDiff({ spec: { ports: ports({}) } }, { spec: { ports: ports({ protocol: 'TCP' }) } })).toHaveLength(
      2,
    );
  });

  it('does not take a key of another type for the same', () => {
    const long = 'long enough that replacing the whole list would not be shorter';
    expect(
      checkedDiff(
        [
          { port: 80, long },
          { port: 81, long },
        ],
        [
          { port: '80', long },
          { port: 80, long },
          { port: 81, long },
        ],
      ),
    ).toEqual([{ op: 'add', path: '/0', value: { port: '80', long } }]);
  });
});

describe('diff()', () => {
  it.each<[string, string, string]>([
    ['1', '1', '[]'],
    ['1', '2', '[{"op":"replace","path":"","value":2}]'],
    ['{}', '[]', '[{"op":"replace","path":"","value":[]}]'],
    ['{"a":[]}', '{"a":{}}', '[{"op":"replace","path":"/a","value":{}}]'],
    ['{"a":null}', '{}', '[{"op":"remove","path":"/a"}]'],
    ['{}', '{"a":null}', '[{"op":"add","path":"/a","value":null}]'],
    ['{"a":0}', '{"a":-0}', '[]'],
    ['{"a":1}', '{"a":"1"}', '[{"op":"replace","path":"/a","value":"1"}]'],
    ['{"":1}', '{"":2}', '[{"op":"replace","path":"/","value":2}]'],
    ['[[1],[2]]', '[[1],[2],[3]]', '[{"op":"add","path":"/2","value":[3]}]'],
    ['[]', '[1]', '[{"op":"add","path":"/0","value":1}]'],
    ['[null,1,null]', '[null,null]', '[{"op":"remove","path":"/1"}]'],
  ])('%s → %s', (before, after, patch) => {
    expect(writeJson(checkedDiff(read(before), read(after)))).toBe(patch);
  });

  it('compares raw numbers by their text', () => {
    const before = readExactJson('{"a":1.0,"b":[9007199254740993,{"port":1e3}],"c":1.0}');
    expect(diff(before, clone(before))).toEqual([]);
    const after = readExactJson('{"a":1.00,"b":[{"port":1e3},9007199254740993],"c":{"rawJSON":"1.0"}}');
    const patch = diff(before, after);
    expect(writeJson(patch)).toContain('{"op":"replace","path":"/a","value":1.00}');
    expect(writeJson(patch)).toContain('{"op":"replace","path":"/c","value":{"rawJSON":"1.0"}}');
    expect(writeJson(apply(before, patch))).toBe(writeJson(after));
  });

  const hostileKeys = [
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    '',
    'a/b',
    't~d',
    '~1',
    '0',
    '-',
    'length',
  ];

  it.each(hostileKeys)('adds, changes and removes a member %j', (key) => {
    const withMember = (value: JsonValue): JsonValue => read(`{"x":{${JSON.stringify(key)}:${writeJson(value)}}}`);
    const values: JsonValue[] = [
      { x: {} },
      withMember(1),
      withMember({}),
      withMember({ polluted: [1] }),
      withMember([]),
    ];
    for (const before of values) {
      for (const after of values) {
        const patch = checkedDiff(before, after);
        const result = apply(before, patch) as { x: JsonObject };
        expect(writeJson(result)).toBe(writeJson(after));
        expect(Object.getPrototypeOf(result.x)).toBe(Object.prototype);
        expect(result.x['polluted']).toBeUndefined();
        expect(patch.length).toBeLessThanOrEqual(1);
      }
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it.each(hostileKeys)('puts a member %j in the place of another', (key) => {
    for (const value of [{}, [], null, 'a']) {
      const [other, hostile] = [{ x: { other: null } }, read(`{"x":{${JSON.stringify(key)}:${writeJson(value)}}}`)];
      expect(checkedDiff(other, hostile)).toHaveLength(2);
      expect(checkedDiff(hostile, other)).toHaveLength(2);
    }
  });

  it('leads from any value to any other', () => {
    const key = fc.oneof(fc.constantFrom(...hostileKeys), fc.constantFrom('a', 'b', 'name', 'port'));
    const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        fc.constantFrom<JsonValue>(null, true, false, 0, 1, 80, -0, 1.5, 1e21, '', 'a', 'b', '80', '\u2028', '\ud800'),
        fc.array(tie('value'), { maxLength: 6 }),
        fc
          .uniqueArray(fc.tuple(key, tie('value')), { selector: ([name]) => name, maxLength: 5 })
          .map((members) =>
            read(`{${members.map(([name, member]) => `${JSON.stringify(name)}:${writeJson(member)}`).join()}}`),
          ),
      ),
    }));
    fc.assert(
      fc.property(value, value, (before, after) => void checkedDiff(before, after)),
      { numRuns: 3000 },
    );
  });

  it('leads from any list to any other, by no more operations than it takes one element at a time', () => {
    // So long that replacing the whole list is never shorter.
    const element = fc.constantFrom('a', 'b', 'c', 'd').map((letter) => letter.repeat(500));
    const list = fc.array(element, { maxLength: 10 });
    fc.assert(
      fc.property(list, list, (before, after) => {
        expect(checkedDiff(before, after).length).toBeLessThanOrEqual(editDistance(before, after));
        const keyed = (names: string[]): JsonValue => [...new Set(names)].map((name) => ({ name }));
        expect(checkedDiff(keyed(before), keyed(after)).length).toBeLessThanOrEqual(
          editDistance([...new Set(before)], [...new Set(after)]),
        );
      }),
      { numRuns: 3000 },
    );
  });
});

/** Insertions and removals that lead from one list to the other, at the least. */
function editDistance(before: readonly string[], after: readonly string[]): number {
  let row = [...Array(after.length + 1).keys()];
  for (const [i, left] of before.entries()) {
    const next = [i + 1];
    for (const [j, right] of after.entries()) {
      const [corner = 0, above = 0] = [row[j], row[j + 1]];
      next.push(left === right ? corner : Math.min(above, next[j] ?? 0) + 1);
    }
    row = next;
  }
  return row[after.length] ?? 0;
}

describe('diff() of a Pod after any number of edits', () => {
  interface Draft {
    metadata: { labels: { [key: string]: string } };
    spec: { containers: DraftContainer[]; volumes: { name: string; emptyDir: JsonObject }[] };
  }
  interface DraftContainer {
    name: string;
    image: string;
    args: string[];
    env: { name: string; value: string }[];
    ports: { containerPort: number; protocol: string }[];
    resources?: JsonObject;
  }
  const name = fc.stringMatching(/^[a-z]{1,8}$/);
  const uniqueBy = <T>(element: fc.Arbitrary<T>, selector: (element: T) => unknown, minLength = 0): fc.Arbitrary<T[]> =>
    fc.uniqueArray(element, { selector, minLength, maxLength: 5 });
  const container: fc.Arbitrary<DraftContainer> = fc.record({
    name,
    image: name.map((path) => `registry.example.com/${path}:1.2.3`),
    args: fc.array(
      name.map((flag) => `--${flag}`),
      { maxLength: 5 },
    ),
    env: uniqueBy(fc.record({ name, value: fc.string() }), (variable) => variable.name),
    ports: uniqueBy(
      fc.record({ containerPort: fc.constantFrom(53, 80, 443, 8080), protocol: fc.constantFrom('TCP', 'UDP') }),
      (port) => `${port.containerPort}${port.protocol}`,
    ),
  });
  const pod: fc.Arbitrary<Draft> = fc.record({
    metadata: fc.record({ labels: fc.dictionary(name, name) }),
    spec: fc.record({
      containers: uniqueBy(container, (each) => each.name, 1),
      volumes: uniqueBy(fc.record({ name, emptyDir: fc.constant<JsonObject>({}) }), (volume) => volume.name),
    }),
  });

  /** What one edit does, by a number it takes at random; `fresh` is a name nobody has. Each is one operation at most. */
  const edits: ((draft: Draft, random: number, fresh: string) => void)[] = [
    ({ spec }, random, fresh) =>
      spec.containers.splice(random % (spec.containers.length + 1), 0, {
        name: fresh,
        image: fresh,
        args: [],
        env: [],
        ports: [],
      }),
    ({ spec }, random) => spec.containers.splice(random % spec.containers.length, 1),
    ({ spec }, random) => {
      const [moved] = spec.containers.splice(random % spec.containers.length, 1);
      spec.containers.splice((random >>> 8) % (spec.containers.length + 1), 0, ...(moved ? [moved] : []));
    },
    ({ spec }, random, fresh) => (nth(spec.containers, random % spec.containers.length).image = fresh),
    ({ spec }, random, fresh) =>
      (nth(spec.containers, random % spec.containers.length).resources = { limits: { cpu: fresh } }),
    ({ spec }, random, fresh) => {
      const { env } = nth(spec.containers, random % spec.containers.length);
      env.splice((random >>> 8) % (env.length + 1), 0, { name: fresh, value: fresh });
    },
    ({ spec }, random) => {
      const { env } = nth(spec.containers, random % spec.containers.length);
      env.splice((random >>> 8) % (env.length + 1), 1);
    },
    ({ spec }, random, fresh) => {
      const { args } = nth(spec.containers, random % spec.containers.length);
      args.splice((random >>> 8) % (args.length + 1), 0, fresh);
    },
    ({ spec }, random) => {
      const { args } = nth(spec.containers, random % spec.containers.length);
      args.splice((random >>> 8) % (args.length + 1), 1);
    },
    ({ spec }, random) => {
      const { ports } = nth(spec.containers, random % spec.containers.length);
      ports.splice((random >>> 8) % (ports.length + 1), 0, { containerPort: 10_000 + random, protocol: 'TCP' });
    },
    ({ spec }, random, fresh) =>
      spec.volumes.splice(random % (spec.volumes.length + 1), 0, { name: fresh, emptyDir: {} }),
    ({ metadata }, _random, fresh) => (metadata.labels[`example.com/${fresh}`] = fresh),
    ({ metadata }, random) => {
      const keys = Object.keys(metadata.labels);
      delete metadata.labels[keys[random % Math.max(1, keys.length)] ?? ''];
    },
  ];

  it('takes no more operations than there were edits', () => {
    const edit = fc.tuple(fc.nat(edits.length - 1), fc.nat(2 ** 30));
    fc.assert(
      fc.property(pod, fc.array(edit, { maxLength: 6 }), (before, chosen) => {
        const original = before as unknown as JsonValue;
        const draft = clone(original) as unknown as Draft;
        let made = 0;
        for (const [number, random] of chosen) {
          if (draft.spec.containers.length > 0) {
            edits[number]?.(draft, random, `fresh-${made}`);
            made += 1;
          }
        }
        expect(checkedDiff(original, draft as unknown as JsonValue).length).toBeLessThanOrEqual(made);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('diff() of what JSON cannot carry', () => {
  class Money {
    readonly amount = 1;
  }
  const cyclic: { a: unknown[] } = { a: [1] };
  cyclic.a.push(cyclic);

  it.each<[string, unknown, string, string]>([
    ['undefined', undefined, '', 'undefined'],
    ['undefined in a list', { a: [1, undefined] }, '/a/1', 'undefined'],
    ['a hole in a list', { a: Array(2) }, '/a/0', 'undefined'],
    ['NaN', { a: { 'b/c': NaN } }, '/a/b~1c', 'NaN'],
    ['Infinity', [-Infinity], '/0', '-Infinity'],
    ['a function', { a: () => 1 }, '/a', 'a function'],
    ['a toJSON method', { a: { toJSON: () => 1 } }, '/a/toJSON', 'a function'],
    ['a symbol', { a: Symbol('s') }, '/a', 'a symbol'],
    ['a bigint', { a: 1n }, '/a', 'a bigint'],
    ['a Date', { a: new Date(0) }, '/a', 'an instance of Date'],
    ['a Date where an empty object was', { unchanged: new Date(0) }, '/unchanged', 'an instance of Date'],
    ['a Map', { a: new Map() }, '/a', 'an instance of Map'],
    ['a Buffer', { a: Buffer.from('x') }, '/a', 'an instance of Buffer'],
    ['a class instance', { a: [new Money()] }, '/a/0', 'an instance of Money'],
    ['a boxed string', { a: new String('x') }, '/a', 'an instance of String'],
    ['a cycle', { a: cyclic }, '/a/a/1', 'a value that contains itself'],
    ['the first of several', { a: { b: [0, NaN] }, c: undefined, d: 1n }, '/a/b/1', 'NaN'],
  ])('throws for %s', (_name, after, pointer, found) => {
    for (const before of [null, {}, { unchanged: {} }, [0]]) {
      let thrown: unknown;
      try {
        diff(before, after as JsonValue);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(NotJsonError);
      expect(thrown).toMatchObject({ code: 'SALLYPORT_NOT_JSON', pointer, found });
    }
  });

  it('takes members that are undefined for absent, at every depth', () => {
    const after = { a: [{ b: undefined, c: { d: undefined } }], e: undefined } as unknown as JsonValue;
    expect(diff({}, after)).toEqual([{ op: 'add', path: '/a', value: [{ c: {} }] }]);
    expect(Object.keys(after as object)).toEqual(['a', 'e']);
    expect(diff({ a: [{ c: {} }], e: 1 }, after)).toEqual([{ op: 'remove', path: '/e' }]);
  });

  it('takes objects without a prototype and of another realm for plain ones, and one value at two places', () => {
    const shared = Object.assign(Object.create(null) as JsonObject, { x: [1] });
    const foreign = structuredClone({ a: 1 });
    expect(diff({}, { shared, again: shared, foreign })).toHaveLength(3);
  });
});

describe('diff() of large and deep values', () => {
  const nest = (depth: number, leaf: string, open = '[{"a":', close = '}]'): JsonValue =>
    read(`${open.repeat(depth)}${leaf}${close.repeat(depth)}`);

  it.each([
    ['objects', '{"a":', '}'],
    ['lists', '[', ']'],
    ['lists of objects', '[{"a":', '}]'],
    ['lists with more than one element', '[0,', ',1]'],
  ])('compares a nest of 10,000 %s', (_name, open, close) => {
    const before = nest(10_000, '1', open, close);
    const start = performance.now();
    expect(diff(before, clone(before))).toEqual([]);
    expect(checkedDiff(before, nest(10_000, '2', open, close))).toHaveLength(1);
    expect(checkedDiff(null, before)).toEqual([{ op: 'replace', path: '', value: before }]);
    // Some tens of milliseconds here.
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  it('finds what is not JSON 10,000 levels deep', () => {
    const after = nest(10_000, '1');
    let inside = after as { a: unknown }[];
    for (let depth = 1; depth < 10_000; depth++) {
      inside = inside[0]?.a as { a: unknown }[];
    }
    (inside[0] as { a: unknown }).a = NaN;
    expect(() => diff({}, after)).toThrow(NotJsonError);
    expect(() => diff(nest(10_000, '1'), after)).toThrow(NotJsonError);
  });

  const size = 100_000;
  const numbers = [...Array(size).keys()];
  const objects = (list: number[]): JsonValue[] => list.map((id) => ({ name: `n${id}`, value: id }));

  it.each<[string, JsonValue[], (list: JsonValue[]) => JsonValue[], number]>([
    ['numbers, two put in', numbers, (list) => ['x', ...list.slice(0, 50_000), 'y', ...list.slice(50_000)], 2],
    ['numbers, one moved', numbers, (list) => [...list.slice(1), 0], 1],
    ['numbers, reversed', numbers, (list) => [...list].reverse(), 1],
    ['numbers, all others', numbers, (list) => list.map((id) => -Number(id) - 1), 1],
    ['equal texts, some removed and added', numbers.map(() => 'a'), (list) => ['b', ...list.slice(3), 'c'], 4],
    [
      'named objects, two put in, one removed',
      objects(numbers),
      (list) => ['x', 'y'].reduce<JsonValue[]>((now, name, at) => now.toSpliced(at * 60_000, at + 0, { name }), list),
      3,
    ],
    [
      'named objects, 250,000 and shuffled',
      objects([...Array(250_000).keys()]),
      (list) => objects(list.map((_, id) => (id * 7919) % list.length)),
      1,
    ],
  ])('compares lists of 100,000 and more: %s', (_name, before, change, most) => {
    const start = performance.now();
    expect(checkedDiff(before, change(before)).length).toBeLessThanOrEqual(most);
    // Below two seconds here.
    expect(performance.now() - start).toBeLessThan(20_000);
  });
});
