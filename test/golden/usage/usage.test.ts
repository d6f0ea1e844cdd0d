import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { usageCases, type CountedObject, type RequestCase } from './cases.ts';
import type {
  Container,
  PersistentVolumeClaim,
  Pod,
  ResourceRequirements,
  Service,
} from '../../../src/api/generated/core.v1.ts';
import type { DeviceClass, ResourceClaim } from '../../../src/api/generated/resource.v1.ts';
import { formatGroupResource } from '../../../src/api/resource.ts';
import {
  claimUsage,
  defaultDeviceRequests,
  defaultPodLevelResources,
  defaultPodRequests,
  evaluateQuota,
  formatResourceList,
  matchesScopes,
  objectCountUsage,
  parseResourceList,
  podQosClass,
  podUsage,
  QuotaScopeError,
  resourceClaimUsage,
  serviceUsage,
  type ResourceList,
  type ResourceListBody,
} from '../../../src/usage/index.ts';

interface UsedByQuota {
  readonly [quota: string]: ResourceListBody;
}

/** What tools/control-plane/cmd/golden-usage writes. */
interface Golden {
  /** SHA-256 of the cases that were judged. */
  readonly cases: string;
  readonly objects: readonly {
    readonly usage: ResourceListBody;
    /** Numbers of the scopes that match. */
    readonly scopes: readonly number[];
    readonly missing?: string;
    readonly qosClass?: string;
  }[];
  readonly resources: readonly { readonly matching: readonly string[]; readonly scopes: readonly string[] }[];
  readonly undefaulted: readonly { readonly read: unknown; readonly created?: unknown }[];
  readonly requests: readonly {
    readonly handled: boolean;
    readonly forbidden?: boolean;
    readonly error?: string;
    readonly used?: UsedByQuota;
  }[];
}

const golden = JSON.parse(readFileSync(new URL('./outcomes.json', import.meta.url), 'utf8')) as Golden;
const cases = usageCases();
const context = {
  now: Date.parse(cases.now),
  deviceClasses: cases.deviceClasses as readonly DeviceClass[],
  pods: cases.pods as readonly Pod[],
  resourceClaims: cases.resourceClaims as readonly ResourceClaim[],
};

test('the record is of these cases; if not, run tools/control-plane/cmd/golden-usage again', () => {
  expect(createHash('sha256').update(JSON.stringify(cases)).digest('hex')).toBe(golden.cases);
});

describe('as the evaluators of kube-apiserver', () => {
  test('usage of every object', () => {
    expect(cases.objects.length).toBeGreaterThan(600);
    for (const [index, counted] of cases.objects.entries()) {
      expect(formatResourceList(usageOf(counted)), describeCase(counted)).toEqual(golden.objects[index]?.usage);
    }
  });

  test('scopes that match', () => {
    for (const [index, counted] of cases.objects.entries()) {
      const matching = cases.scopes.flatMap((scope, number) =>
        matchesScopes({ scopeSelector: { matchExpressions: [scope] } }, counted.resource, counted.object)
          ? [number]
          : [],
      );
      expect(matching, describeCase(counted)).toEqual(golden.objects[index]?.scopes);
    }
  });

  test('QoS classes', () => {
    for (const [index, counted] of cases.objects.entries()) {
      if (counted.resource.resource !== 'pods') continue;
      expect(podQosClass(counted.object as Pod), describeCase(counted)).toBe(golden.objects[index]?.qosClass);
    }
  });

  test('what a Pod must specify when a quota is on everything', () => {
    const hard = Object.fromEntries(cases.names.map((name) => [name, '1']));
    const quotas = [{ metadata: { name: 'all' }, spec: { hard }, status: { hard, used: {} } }];
    for (const [index, counted] of cases.objects.entries()) {
      if (counted.resource.resource !== 'pods') continue;
      const request = {
        ...counted,
        ...context,
        quotas,
        operation: 'CREATE',
        namespace: 'team',
        oldObject: null,
      } as const;
      const verdict = evaluateQuota(request);
      // `used` is empty: who has said everything is refused for that.
      const missing = golden.objects[index]?.missing;
      const expected =
        missing === undefined ? 'status unknown for quota: all, resources: ' : `failed quota: all: ${missing}`;
      expect('message' in verdict ? verdict.message : verdict, describeCase(counted)).toContain(expected);
    }
  });

  test('names that a resource counts towards', () => {
    const hard = Object.fromEntries(cases.names.map((name) => [name, '1']));
    for (const [index, { resource, object }] of cases.resources.entries()) {
      const matching = cases.names.filter((name) => {
        const status = { hard: { [name]: '1' }, used: {} };
        const verdict = evaluateQuota({
          ...context,
          // Pod-level resources keep a Pod from being refused for what its containers do not name.
          object: { ...object, spec: { ...(object as Pod).spec, resources: { requests: { cpu: '1' } } } },
          quotas: [{ metadata: { name: 'q' }, spec: { hard }, status }],
          resource,
          operation: 'CREATE',
          namespace: 'team',
          oldObject: null,
        });
        return (
          verdict.handled && !verdict.allowed && verdict.message === `status unknown for quota: q, resources: ${name}`
        );
      });
      expect(matching.sort(), formatGroupResource(resource)).toEqual(golden.resources[index]?.matching);
    }
  });

  test('scopes that cannot be understood', () => {
    for (const [index, { resource, object }] of cases.resources.entries()) {
      const errors = cases.illegibleScopes.map((scope) =>
        scopeError(() => matchesScopes({ scopeSelector: { matchExpressions: [scope] } }, resource, object)),
      );
      const recorded = golden.resources[index]?.scopes.map((text) =>
        text.replace(/^error on matching scope \{.*?\]\}: /, ''),
      );
      expect(errors).toEqual(recorded);
    }
  });

  test('defaults at reading and at creation', () => {
    for (const [index, { object }] of cases.undefaulted.entries()) {
      const recorded = golden.undefaulted[index];
      if (recorded?.created === undefined) {
        const claim = defaultDeviceRequests(object as ResourceClaim);
        expect(withoutEmpty(claim.spec?.devices?.requests), JSON.stringify(object)).toEqual(
          withoutEmpty(recorded?.read),
        );
        continue;
      }
      const read = defaultPodRequests(object as Pod);
      expect(withoutEmpty(partsOf(read)), JSON.stringify(object)).toEqual(withoutEmpty(recorded.read));
      expect(withoutEmpty(partsOf(defaultPodLevelResources(read))), JSON.stringify(object)).toEqual(
        withoutEmpty(recorded.created),
      );
    }
  });
});

test('evaluateQuota() says what the ResourceQuota plug-in says', () => {
  for (const [index, request] of cases.requests.entries()) {
    const verdict = evaluateQuota({ ...request, ...context, namespace: 'team' });
    expect(outcomeOf(request, verdict), describeCase(request)).toEqual(golden.requests[index]);
  }
  const refusals = golden.requests.filter(({ error }) => error !== undefined);
  expect(refusals.length).toBeGreaterThan(100);
  for (const shape of [
    'exceeded quota',
    'must specify',
    'status unknown',
    'insufficient quota to consume',
    'to match these scopes',
    'negative',
  ]) {
    expect(
      refusals.some(({ error }) => error?.includes(shape)),
      shape,
    ).toBe(true);
  }
});

function usageOf({ resource, object }: CountedObject): ResourceList {
  switch (formatGroupResource(resource)) {
    case 'pods':
      return podUsage(object as Pod, context);
    case 'services':
      return serviceUsage(object as Service);
    case 'persistentvolumeclaims':
      return claimUsage(object as PersistentVolumeClaim);
    case 'resourceclaims.resource.k8s.io':
      return resourceClaimUsage(object as ResourceClaim, context);
    default:
      return objectCountUsage(resource);
  }
}

/** The verdict in the form of the record, where every quota stands with its usage and errors have their prefix. */
function outcomeOf(request: RequestCase, verdict: ReturnType<typeof evaluateQuota>): Golden['requests'][number] {
  if (!verdict.handled) return { handled: false };
  if (verdict.allowed) {
    const used = request.quotas.map(({ metadata, status }) => {
      const name = metadata?.name ?? '';
      return [name, verdict.usedAfter[name] ?? formatResourceList(parseResourceList(status?.used, ''))];
    });
    return used.length === 0 ? { handled: true } : { handled: true, used: Object.fromEntries(used) as UsedByQuota };
  }
  if (verdict.reason === 'InternalError') return { handled: true, error: verdict.message };
  const subject = `${formatGroupResource(request.resource)} "${request.object.metadata?.name}"`;
  return { handled: true, forbidden: true, error: `${subject} is forbidden: ${verdict.message}` };
}

function scopeError(match: () => boolean): string {
  try {
    match();
    return '';
  } catch (error) {
    if (error instanceof QuotaScopeError) return error.message;
    throw error;
  }
}

function partsOf({ spec }: Pod): unknown {
  const resourcesOf = (containers: readonly Container[] | null | undefined): (ResourceRequirements | null)[] =>
    (containers ?? []).map(({ resources }) => resources ?? {});
  return {
    containers: resourcesOf(spec?.containers),
    initContainers: resourcesOf(spec?.initContainers),
    resources: spec?.resources,
    overhead: spec?.overhead,
  };
}

/** Go writes empty values in some places and leaves them out in others; defaulting is not about these. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map((each) => withoutEmpty(each) ?? null);
  if (typeof value !== 'object' || value === null) return value ?? undefined;
  const fields = Object.entries(value)
    .map(([name, field]) => [name, withoutEmpty(field)] as const)
    .filter(([, field]) => field !== undefined && field !== '' && field !== 0);
  return fields.length === 0 ? undefined : Object.fromEntries(fields);
}

function describeCase(given: object): string {
  return JSON.stringify(given);
}
