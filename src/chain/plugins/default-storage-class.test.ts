import { describe, expect, test } from 'vitest';
import { runPlugin, summaryOf } from '../../../test/run-plugin.ts';
import { defaultStorageClassPlugin } from './default-storage-class.ts';

const isDefault = 'storageclass.kubernetes.io/is-default-class';
const betaIsDefault = 'storageclass.beta.kubernetes.io/is-default-class';
const storageClass = (name: string, annotations: { [key: string]: string }, creationTimestamp?: string) => ({
  ...{ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', provisioner: 'example.com/disks' },
  metadata: { name, annotations, ...(creationTimestamp && { creationTimestamp }) },
});
const claim = (spec: object = {}, annotations?: { [key: string]: string }) => ({
  ...{
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data', ...(annotations && { annotations }) },
  },
  spec,
});
const fast = storageClass('fast', { [isDefault]: 'true' });
const slow = storageClass('slow', { [isDefault]: 'false' });
const old = storageClass('old', { [betaIsDefault]: 'true' });
const newer = storageClass('newer', { [isDefault]: 'true' }, '2026-01-02T00:00:00Z');
const newest = storageClass('newest', { [isDefault]: 'true' }, '2026-01-02T00:00:01Z');

describe('defaultStorageClassPlugin', () => {
  test.each([
    ['the default class', [slow, fast], claim(), 'fast'],
    ['one marked by the beta annotation', [old], claim(), 'old'],
    ['the first by name of two', [old, fast], claim(), 'fast'],
    ['the newest', [newer, newest, fast], claim(), 'newest'],
    ['one with a time rather than one without', [fast, newer], claim(), 'newer'],
    ['one in the place of null', [fast], claim({ storageClassName: null }), 'fast'],
  ])('gives a claim %s', async (_, cluster, object, name) => {
    const outcome = await runPlugin(defaultStorageClassPlugin, { object, cluster });
    expect(summaryOf(outcome, object)).toEqual(claim({ storageClassName: name }));
  });

  test.each([
    ['without a default class', [slow], { object: claim() }],
    ['that names one', [fast], { object: claim({ storageClassName: 'slow' }) }],
    ['that wants none', [fast], { object: claim({ storageClassName: '' }) }],
    ['with the beta annotation', [fast], { object: claim({}, { 'volume.beta.kubernetes.io/storage-class': '' }) }],
    ['that is updated', [fast], { object: claim(), oldObject: claim() }],
    ['by its status', [fast], { object: claim(), subresource: 'status' }],
    ['of another kind', [fast], { object: { ...claim(), kind: 'PersistentVolume' } }],
  ])('leaves a claim %s alone', async (_, cluster, request) => {
    const outcome = await runPlugin(defaultStorageClassPlugin, { ...request, cluster });
    expect(summaryOf(outcome, request.object)).toBe('unchanged');
  });
});
