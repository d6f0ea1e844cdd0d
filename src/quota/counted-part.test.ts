import { describe, expect, it } from 'vitest';
import { usageCases } from '../../test/golden/usage/cases.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import type { Pod } from '../api/generated/core.v1.ts';
import type { DeviceClass, ResourceClaim } from '../api/generated/resource.v1.ts';
import { evaluatorFor } from '../usage/evaluators.ts';
import { countedPart } from './counted-part.ts';

const cases = usageCases();
const pods = { group: '', resource: 'pods' };

describe('countedPart()', () => {
  it('counts as the whole of every recorded object', () => {
    const context = (all: readonly object[]) => ({
      now: Date.parse(cases.now),
      deviceClasses: cases.deviceClasses as readonly DeviceClass[],
      pods: all as readonly Pod[],
      resourceClaims: cases.resourceClaims as readonly ResourceClaim[],
    });
    const partOfPod = countedPart(pods);
    const owners = cases.pods.map((pod) => partOfPod(pod as KubernetesObject));
    for (const { resource, object } of cases.objects) {
      const part = countedPart(resource)(object);
      const [whole, cut] = [evaluatorFor(resource, context(cases.pods)), evaluatorFor(resource, context(owners))];
      expect(cut?.usage(part), JSON.stringify(object)).toEqual(whole?.usage(object));
      for (const scope of cases.scopes) {
        expect(cut?.matchesScope(scope, part), JSON.stringify(object)).toBe(whole?.matchesScope(scope, object));
      }
    }
  });

  it('has nothing of a Pod that is not counted, and of what counts one its identity', () => {
    const metadata = { name: 'a', namespace: 'shop', uid: 'u', resourceVersion: '7' };
    const more = { managedFields: [{ manager: 'm' }], annotations: { a: 'b' }, labels: { a: 'b' } };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { ...metadata, ...more }, data: { key: 'c2VjcmV0' } };
    const identity = { apiVersion: 'v1', metadata };
    expect(countedPart({ group: '', resource: 'secrets' })(secret)).toEqual({ ...identity, kind: 'Secret' });
    const resources = { requests: { cpu: '1' } };
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, ...more },
      spec: { nodeName: 'n', containers: [{ name: 'c', env: [{ name: 'E', value: 'v' }], resources }], volumes: [] },
      status: { phase: 'Running', conditions: [{ type: 'Ready' }], containerStatuses: [{ name: 'c', imageID: 'i' }] },
    };
    expect(countedPart(pods)(pod)).toEqual({
      ...identity,
      kind: 'Pod',
      spec: { containers: [{ name: 'c', resources }] },
      status: { phase: 'Running', conditions: [], containerStatuses: [{ name: 'c' }] },
    });
  });

  it('leaves what cannot be counted for the evaluator to complain of', () => {
    const strange = { metadata: null, spec: { containers: {}, initContainers: [null] }, status: 7 };
    const part = countedPart(pods)(strange as unknown as KubernetesObject) as Pod;
    expect(part.spec).toEqual({ containers: {}, initContainers: [{}] });
    expect(() => evaluatorFor(pods, { now: 0 })?.usage(part)).toThrow(/spec\.containers: expected a list/);
  });
});
