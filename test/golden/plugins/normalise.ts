/**
 * The one place where recordings of plug-ins and replays are made comparable, besides what test/golden/chain/normalise.ts
 * does to both. The engine leaves to the API server what its types default, so here the replay gets the same defaults,
 * where a field is absent, and never another value for one that is there:
 *
 * - Pods: the defaults of the spec, of containers and of volumes, among them requests that are the limit, and on create
 *   the Pod's own resources filled up from its containers.
 * - The random end of the name of a token volume: `kube-api-access-<random>`.
 * - PersistentVolumeClaims: their volume mode.
 * - Warnings of what is deprecated in a type: given by the type itself, between the walks.
 * - `status`, which no client writes: left out on both sides.
 *
 * Pods, Nodes and the kinds whose objects the worlds write with all their defaults are compared whole. Of allowed requests
 * on other kinds the object is not compared: these plug-ins do not change it.
 *
 * Source of the defaults: k8s.io/kubernetes v1.37.2 pkg/apis/core/v1/defaults.go.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../../src/json/json-value.ts';
import { defaultPodLevelResources, defaultPodRequests } from '../../../src/usage/index.ts';
import { normaliseObject, normaliseRecorded } from '../chain/normalise.ts';
import type { Recorded } from '../chain/scenario.ts';

/** What the API server answered. */
export function normaliseAnswer(recorded: Recorded): Recorded {
  const { object, ...others } = recorded;
  const rest = { ...others, warnings: recorded.warnings.filter((text) => !/\bis deprecated\b|: deprecated since /.test(text)) };
  return normaliseRecorded(
    object === undefined || !isCompared(object) ? rest : { ...rest, object: comparable(object) },
  );
}

/** What the engine made of it. */
export function normaliseReplay(recorded: Recorded, isCreate: boolean): Recorded {
  const { object, ...rest } = recorded;
  if (object === undefined || !isCompared(object)) return normaliseRecorded(rest);
  return normaliseRecorded({
    ...rest,
    object: comparable(defaulted(object, isCreate)),
  });
}

const comparedKinds: readonly unknown[] = [
  'Pod',
  'Node',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'VolumeAttributesClass',
  'Ingress',
];

function isCompared({ kind }: JsonObject): boolean {
  return comparedKinds.includes(kind);
}

function comparable(object: JsonObject): JsonObject {
  const rest = Object.fromEntries(Object.entries(normaliseObject(object)).filter(([key]) => key !== 'status'));
  return JSON.parse(
    JSON.stringify(rest).replace(/kube-api-access-[a-z0-9]{5}"/g, 'kube-api-access-<random>"'),
  ) as JsonObject;
}

function defaulted(object: JsonObject, isCreate: boolean): JsonObject {
  switch (object['kind']) {
    case 'Pod':
      return defaultPod(object, isCreate);
    case 'PersistentVolumeClaim':
      return { ...object, spec: { volumeMode: 'Filesystem', ...objectOf(object['spec']) } };
    default:
      return object;
  }
}

function defaultPod(object: JsonObject, isCreate: boolean): JsonObject {
  const read = defaultPodRequests(object);
  // The functions change quantities alone.
  const pod = (isCreate ? defaultPodLevelResources(read) : read) as JsonObject;
  const spec = objectOf(pod['spec']);
  const account = spec['serviceAccountName'] ?? spec['serviceAccount'];
  return {
    ...pod,
    spec: {
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      securityContext: {},
      schedulerName: 'default-scheduler',
      enableServiceLinks: true,
      ...(account === undefined ? {} : { serviceAccountName: account, serviceAccount: account }),
      ...spec,
      ...each(spec, 'containers', defaultContainer),
      ...each(spec, 'initContainers', defaultContainer),
      ...each(spec, 'volumes', defaultVolume),
    },
  };
}

function defaultContainer(container: JsonObject): JsonObject {
  return {
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    // Every image of the worlds has a tag.
    imagePullPolicy: 'IfNotPresent',
    ...container,
  };
}

function defaultVolume(volume: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(volume).map(([type, source]) =>
      type === 'secret' || type === 'projected' ? [type, { defaultMode: 420, ...objectOf(source) }] : [type, source],
    ),
  );
}

function each(parent: JsonObject, key: string, change: (element: JsonObject) => JsonObject): JsonObject {
  const list = parent[key];
  return Array.isArray(list) ? { [key]: list.map((element) => change(objectOf(element))) } : {};
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
