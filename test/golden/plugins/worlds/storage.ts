import type { JsonObject } from '../../../../src/json/json-value.ts';
import type { RequestSpec } from '../../chain/scenario.ts';
import type { PluginWorld } from '../world.ts';
import { create, namespace, patch } from './build.ts';

const claims = { group: '', version: 'v1', resource: 'persistentvolumeclaims' };
const volumes = { group: '', version: 'v1', resource: 'persistentvolumes' };
const attributesClasses = { group: 'storage.k8s.io', version: 'v1', resource: 'volumeattributesclasses' };
const storageClasses = { group: 'storage.k8s.io', version: 'v1', resource: 'storageclasses' };

const betaClass = 'volume.beta.kubernetes.io/storage-class';
const isDefault = 'storageclass.kubernetes.io/is-default-class';
const betaIsDefault = 'storageclass.beta.kubernetes.io/is-default-class';

const claim = (name: string, spec: JsonObject = {}, metadata: JsonObject = {}): JsonObject => ({
  ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name, ...metadata } },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
    ...spec,
  },
});
/** Says everything that the API server would default. */
const volume = (name: string, metadata: JsonObject = {}): JsonObject => ({
  ...{ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name, ...metadata } },
  spec: {
    accessModes: ['ReadWriteOnce'],
    capacity: { storage: '1Gi' },
    hostPath: { path: '/data', type: '' },
    persistentVolumeReclaimPolicy: 'Retain',
    volumeMode: 'Filesystem',
  },
});
const attributesClass = (name: string, metadata: JsonObject = {}): JsonObject => ({
  ...{ apiVersion: 'storage.k8s.io/v1', kind: 'VolumeAttributesClass', metadata: { name, ...metadata } },
  ...{ driverName: 'disks.example.com', parameters: { iops: '100' } },
});
const storageClass = (name: string, over: JsonObject = {}, annotations: JsonObject = {}): JsonObject => ({
  ...{ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name, annotations } },
  ...{ provisioner: 'disks.example.com', ...over },
});
const boundClaim = (name: string, spec: JsonObject, annotations: JsonObject = {}): JsonObject => ({
  ...claim(name, spec, { namespace: 'team', annotations }),
  ...{ status: { phase: 'Bound' } },
});
const grow = (objectName: string, storage = '2Gi'): RequestSpec => ({
  ...{ name: `grow-${objectName}`, verb: 'patch', resource: claims, namespace: 'team', objectName },
  body: { spec: { resources: { requests: { storage } } } },
});

export const storageWorlds: readonly PluginWorld[] = [
  {
    name: 'default-storage-class',
    plugins: ['DefaultStorageClass'],
    // The one that comes last is also the first by name, so that times of creation do not matter.
    cluster: [
      namespace('team'),
      storageClass('slow', {}, { [isDefault]: 'false' }),
      storageClass('second', {}, { [betaIsDefault]: 'true' }),
      storageClass('fast', {}, { [isDefault]: 'true' }),
    ],
    requests: [
      create(claims, 'team', claim('plain')),
      create(claims, 'team', claim('named', { storageClassName: 'slow' })),
      create(claims, 'team', claim('none', { storageClassName: '' })),
      create(claims, 'team', claim('null', { storageClassName: null })),
      create(claims, 'team', claim('annotated', {}, { annotations: { [betaClass]: 'slow' } })),
      create(claims, 'team', claim('annotated-with-nothing', {}, { annotations: { [betaClass]: '' } })),
      patch(claims, 'team', claim('patched', { storageClassName: 'slow' }), { metadata: { labels: { a: 'b' } } }),
    ],
  },
  {
    name: 'storage-object-in-use-protection',
    plugins: ['StorageObjectInUseProtection'],
    cluster: [namespace('team')],
    requests: [
      create(claims, 'team', claim('claim')),
      create(claims, 'team', claim('mine', {}, { finalizers: ['example.com/mine'] })),
      create(claims, 'team', claim('protected', {}, { finalizers: ['kubernetes.io/pvc-protection', 'example.com/mine'] })),
      create(volumes, undefined, volume('volume')),
      create(volumes, undefined, volume('protected', { finalizers: ['kubernetes.io/pv-protection'] }), { name: 'protected-volume' }),
      create(attributesClasses, undefined, attributesClass('class')),
      create(storageClasses, undefined, storageClass('storage-class')),
      patch(volumes, undefined, volume('patched'), { metadata: { finalizers: null } }),
    ],
  },
  {
    name: 'persistent-volume-claim-resize',
    plugins: ['PersistentVolumeClaimResize'],
    cluster: [
      namespace('team'),
      storageClass('elastic', { allowVolumeExpansion: true }),
      storageClass('rigid', { allowVolumeExpansion: false }),
      storageClass('silent'),
      ...['elastic', 'rigid', 'silent', 'gone'].map((name) => boundClaim(name, { storageClassName: name })),
      boundClaim('none', { storageClassName: '' }),
      boundClaim('unsaid', {}),
      boundClaim('elastic-by-annotation', { storageClassName: 'rigid' }, { [betaClass]: 'elastic' }),
      boundClaim('rigid-by-annotation', { storageClassName: 'elastic' }, { [betaClass]: 'rigid' }),
    ],
    requests: [
      ...['elastic', 'rigid', 'silent', 'gone', 'none', 'unsaid'].map((name) => grow(name)),
      grow('elastic-by-annotation'),
      grow('rigid-by-annotation'),
      { ...grow('rigid', '512Mi'), name: 'shrink' },
      { ...grow('rigid'), name: 'label', body: { metadata: { labels: { a: 'b' } } } },
    ],
  },
];
