import { describe, expect, test } from 'vitest';
import { runPlugin, summaryOf } from '../../../test/run-plugin.ts';
import { persistentVolumeClaimResizePlugin } from './persistent-volume-claim-resize.ts';

const storageClass = (name: string, allowVolumeExpansion?: boolean) => ({
  ...{ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name }, provisioner: 'example.com/disks' },
  ...(allowVolumeExpansion === undefined ? {} : { allowVolumeExpansion }),
});
const cluster = [storageClass('elastic', true), storageClass('rigid', false), storageClass('silent')];
const claim = (storage: string | undefined, storageClassName?: string, annotation?: string) => ({
  ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim' },
  metadata: {
    name: 'data',
    ...(annotation !== undefined && { annotations: { 'volume.beta.kubernetes.io/storage-class': annotation } }),
  },
  spec: {
    ...(storageClassName !== undefined && { storageClassName }),
    ...(storage !== undefined && { resources: { requests: { storage } } }),
  },
});
const bound = (...given: Parameters<typeof claim>) => ({ ...claim(...given), status: { phase: 'Bound' } });
const lost = (...given: Parameters<typeof claim>) => ({ ...claim(...given), status: { phase: 'Lost' } });
const forbidden = '403 Forbidden: persistentvolumeclaims "data" is forbidden: ';
const notBound = `${forbidden}Only bound persistent volume claims can be expanded`;
const notSupported = `${forbidden}only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize`;

describe('persistentVolumeClaimResizePlugin', () => {
  test.each([
    ['growth of an elastic class', bound('1Gi', 'elastic'), claim('2Gi', 'elastic'), 'unchanged'],
    ['growth by annotation', bound('1Gi', 'rigid', 'elastic'), claim('2Gi', 'rigid', 'elastic'), 'unchanged'],
    ['growth from nothing', bound(undefined, 'elastic'), claim('1Gi', 'elastic'), 'unchanged'],
    ['the same size', claim('1Gi', 'rigid'), claim('1024Mi', 'rigid'), 'unchanged'],
    ['the same size after rounding', claim('1m', 'rigid'), claim('1n', 'rigid'), 'unchanged'],
    ['shrinking', claim('2Gi', 'rigid'), claim('1Gi', 'rigid'), 'unchanged'],
    ['growth of a claim without status', claim('1Gi', 'elastic'), claim('2Gi', 'elastic'), notBound],
    ['growth of a lost claim', lost('1Gi', 'elastic'), claim('2Gi', 'elastic'), notBound],
    ['growth of a rigid class', bound('1Gi', 'rigid'), claim('2Gi', 'rigid'), notSupported],
    ['growth of a silent class', bound('1Gi', 'silent'), claim('2Gi', 'silent'), notSupported],
    ['growth of a class unknown', bound('1Gi', 'gone'), claim('2Gi', 'gone'), notSupported],
    ['growth without a class', bound('1Gi'), claim('2Gi'), notSupported],
    ['growth with a new class', bound('1Gi', 'rigid'), claim('2Gi', 'elastic'), notSupported],
    ['growth by a rigid annotation', bound('1Gi', 'elastic', 'rigid'), claim('2Gi', 'elastic', 'rigid'), notSupported],
  ])('judges %s', async (_, oldObject, object, expected) => {
    const outcome = await runPlugin(persistentVolumeClaimResizePlugin, { object, oldObject, cluster });
    expect(summaryOf(outcome, object)).toBe(expected);
  });

  test('leaves subresources and other kinds alone', async () => {
    const object = claim('2Gi', 'rigid');
    const update = { object, oldObject: bound('1Gi', 'rigid'), cluster };
    const ofStatus = await runPlugin(persistentVolumeClaimResizePlugin, { ...update, subresource: 'status' });
    expect(summaryOf(ofStatus, object)).toBe('unchanged');
    const other = { ...object, kind: 'PersistentVolume' };
    const ofOther = await runPlugin(persistentVolumeClaimResizePlugin, { ...update, object: other });
    expect(summaryOf(ofOther, other)).toBe('unchanged');
  });
});
