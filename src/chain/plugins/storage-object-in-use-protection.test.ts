import { describe, expect, test } from 'vitest';
import { runPlugin, summaryOf } from '../../../test/run-plugin.ts';
import { storageObjectInUseProtectionPlugin } from './storage-object-in-use-protection.ts';

const object = (apiVersion: string, kind: string, finalizers?: string[]) => ({
  ...{ apiVersion, kind },
  metadata: { name: 'data', ...(finalizers && { finalizers }) },
});

describe('storageObjectInUseProtectionPlugin', () => {
  test.each([
    ['v1', 'PersistentVolume', undefined, ['kubernetes.io/pv-protection']],
    ['v1', 'PersistentVolumeClaim', undefined, ['kubernetes.io/pvc-protection']],
    ['storage.k8s.io/v1', 'VolumeAttributesClass', undefined, ['kubernetes.io/vac-protection']],
    ['storage.k8s.io/v1beta1', 'VolumeAttributesClass', undefined, ['kubernetes.io/vac-protection']],
    ['v1', 'PersistentVolumeClaim', ['example.com/mine'], ['example.com/mine', 'kubernetes.io/pvc-protection']],
  ])('protects a %s %s with the finalizers %j', async (apiVersion, kind, given, finalizers) => {
    const before = object(apiVersion, kind, given);
    const outcome = await runPlugin(storageObjectInUseProtectionPlugin, { object: before });
    expect(summaryOf(outcome, before)).toEqual(object(apiVersion, kind, finalizers));
  });

  const claim = object('v1', 'PersistentVolumeClaim');
  test.each([
    ['what is protected already', { object: object('v1', 'PersistentVolume', ['kubernetes.io/pv-protection']) }],
    ['other kinds', { object: object('storage.k8s.io/v1', 'StorageClass') }],
    ['a kind of that name in another group', { object: object('example.com/v1', 'PersistentVolumeClaim') }],
    ['updates', { object: claim, oldObject: claim }],
    ['subresources', { object: claim, subresource: 'status' }],
  ])('leaves %s alone', async (_, request) => {
    const outcome = await runPlugin(storageObjectInUseProtectionPlugin, request);
    expect(summaryOf(outcome, request.object)).toBe('unchanged');
  });
});
