import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/fake-clock.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import { formatResourceList, maskList } from '../usage/resource-list.ts';
import { admit, type AdmitOptions } from '../testing/index.ts';
import { globalQuotaKind, type GlobalQuota } from './global-quota.ts';
import { Ledger, MemoryLedgerStore } from './ledger/index.ts';
import { QuotaSelection } from './selection.ts';
import { termsOf } from './terms-of.ts';
import { quotaWebhook, type Admitter, type QuotaWebhookOptions } from './webhook.ts';

const namespaces: Readonly<Record<string, Record<string, string>>> = { shop: { team: 'a' }, web: { team: 'b' } };

class Gate {
  readonly clock = new FakeClock();
  readonly ledger = new Ledger({ store: new MemoryLedgerStore(), clock: this.clock });
  readonly selection = new QuotaSelection({
    cluster: { name: 'eu-1', labels: { region: 'eu' } },
    excludedNamespaces: ['kube-system'],
  });
  readonly uncounted = new Set<string>();
  readonly faults: string[] = [];
  readonly admitted: string[] = [];
  admitter: Admitter = this.ledger;

  async quotas(...specs: Record<string, object>[]): Promise<void> {
    const quotas = specs.flatMap((each) => Object.entries(each).map(([name, spec]) => quotaOf(name, spec)));
    for (const quota of quotas) await this.ledger.setTerms(termsOf(quota));
    this.selection.set(quotas);
  }

  webhook(): NonNullable<ReturnType<typeof quotaWebhook>> {
    const options: QuotaWebhookOptions = {
      clusterId: 'cluster-1',
      selection: this.selection,
      admitter: { reserve: (...args) => this.admitter.reserve(...args) },
      context: { deviceClasses: () => [], podsOf: () => [], resourceClaimsOf: () => [] },
      isCounted: (quota) => !this.uncounted.has(quota.name),
      labelsOf: (namespace) => Promise.resolve(namespaces[namespace]),
      onAdmitted: ({ name }) => this.admitted.push(name),
      onFault: (outcome) => this.faults.push(outcome),
      clock: this.clock,
    };
    const webhook = quotaWebhook(options);
    if (webhook === undefined) throw new Error('no webhook');
    return webhook;
  }

  /** `allowed`, with what else is said, or why not. */
  async ask(object: KubernetesObject, options: AdmitOptions = {}): Promise<string> {
    const { allowed, message, code, warnings, auditAnnotations } = await admit(this.webhook(), object, options);
    const said = [...warnings.map((each) => `warning: ${each}`), ...Object.values(auditAnnotations)].join('; ');
    return allowed ? ['allowed', said].filter(Boolean).join(', ') : `${code} ${message}`;
  }

  async taken(quota: string): Promise<Record<string, object>> {
    const standing = await this.ledger.standing(quota);
    if (standing === undefined) throw new Error(`no quota ${quota}`);
    const names = standing.terms.hard.keys().toArray();
    return {
      used: formatResourceList(maskList(standing.used, names)),
      reserved: formatResourceList(maskList(standing.reserved, names)),
    };
  }
}

let gate: Gate;
beforeEach(async () => {
  gate = new Gate();
  await gate.ledger.start();
  await gate.ledger.registerCluster({ id: 'cluster-1', name: 'eu-1' });
});

describe('an object that falls under a quota', () => {
  beforeEach(() =>
    gate.quotas({
      'team-a': { hard: { pods: 2, 'requests.cpu': '1' }, namespaces: { names: ['shop'] }, warnAtPercent: 0 },
    }),
  );

  it('is reserved before it is allowed', async () => {
    expect(await gate.ask(pod('one'))).toBe('allowed');
    expect(await gate.taken('team-a')).toEqual({ used: {}, reserved: { pods: '1', 'requests.cpu': '300m' } });
    expect(gate.admitted).toEqual(['one']);
  });

  it('is refused in the words of ResourceQuota, then with who uses it', async () => {
    await gate.ask(pod('one'));
    await gate.ask(pod('two'));
    expect(await gate.ask(pod('three'))).toBe(
      '403 exceeded quota: team-a, requested: pods=1, used: pods=2, limited: pods=2; ' +
        'pods in use: cluster eu-1 2, namespace eu-1/shop 2',
    );
    expect(gate.admitted).toEqual(['one', 'two']);
  });

  it('is charged once however often the API server asks for it', async () => {
    const object = pod('one');
    for (let call = 0; call < 3; call += 1) expect(await gate.ask(object)).toBe('allowed');
    expect(await gate.taken('team-a')).toMatchObject({ reserved: { pods: '1' } });
  });

  it('is judged and not reserved in a dry run', async () => {
    expect(await gate.ask(pod('one'), { dryRun: true })).toBe('allowed');
    expect(await gate.taken('team-a')).toEqual({ used: {}, reserved: {} });
    await gate.ask(pod('one'));
    await gate.ask(pod('two'));
    expect(await gate.ask(pod('three'), { dryRun: true })).toContain('403 exceeded quota: team-a');
    expect(gate.admitted).toEqual(['one', 'two']);
  });

  it('is refused while it is not known what is there already', async () => {
    gate.uncounted.add('team-a');
    expect(await gate.ask(pod('one'))).toBe('403 status unknown for quota: team-a, resources: pods,requests.cpu');
  });

  it('must say what the quota names', async () => {
    const object = pod('one', { cpu: null });
    expect(await gate.ask(object)).toBe('403 failed quota: team-a: must specify requests.cpu for: main');
  });

  it.each<{ what: string; object: KubernetesObject; options?: AdmitOptions }>([
    { what: 'in another namespace', object: pod('one', { namespace: 'web' }) },
    { what: 'in an excluded namespace', object: pod('one', { namespace: 'kube-system' }) },
    { what: 'in a namespace that is not there', object: pod('one', { namespace: 'gone' }) },
    { what: 'of another resource', object: { apiVersion: 'v1', kind: 'Service', metadata: meta('one') } },
    { what: 'updated without another deadline', object: pod('one'), options: { oldObject: pod('one') } },
  ])('$what is not asked about', async ({ object, options }) => {
    gate.admitter = { reserve: () => Promise.reject(new Error('asked')) };
    expect(await gate.ask(object, options)).toBe('allowed');
    expect(gate.faults).toEqual([]);
  });
});

describe('an update', () => {
  beforeEach(() => gate.quotas({ 'team-a': { hard: { 'services.nodeports': 3 }, warnAtPercent: 0 } }));

  it('is charged for what it adds', async () => {
    const before = service(2);
    expect(await gate.ask(service(3), { oldObject: before })).toBe('allowed');
    expect(await gate.ask(service(4), { oldObject: before })).toContain(
      '403 exceeded quota: team-a, requested: services.nodeports=1, used: services.nodeports=3, limited: services.nodeports=3',
    );
  });

  it('that adds nothing passes without a question, also when the quota is exceeded', async () => {
    gate.admitter = { reserve: () => Promise.reject(new Error('asked')) };
    expect(await gate.ask(service(5), { oldObject: service(5) })).toBe('allowed');
    expect(await gate.ask(service(1), { oldObject: service(5) })).toBe('allowed');
  });

  it('that makes the object is charged whole', async () => {
    const { resourceVersion: _none, ...metadata } = meta('new');
    expect(await gate.ask(service(4), { oldObject: { ...service(4), metadata } })).toContain(
      'requested: services.nodeports=4',
    );
  });
});

it('the status of a claim is charged, fit or not', async () => {
  await gate.quotas({ 'team-a': { hard: { 'requests.storage': '10Gi' }, warnAtPercent: 0 } });
  const claim = (spec: string, allocated?: string): KubernetesObject => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: meta('data'),
    ...{
      spec: { resources: { requests: { storage: spec } } },
      status: allocated === undefined ? {} : { allocatedResources: { storage: allocated } },
    },
  });
  expect(await gate.ask(claim('8Gi'))).toBe('allowed');
  const status = { oldObject: claim('8Gi'), subresource: 'status' };
  expect(await gate.ask(claim('8Gi', '12Gi'), status)).toBe('allowed');
  expect(await gate.taken('team-a')).toEqual({
    used: { 'requests.storage': '8Gi' },
    reserved: { 'requests.storage': '4Gi' },
  });
  expect(await gate.ask(claim('13Gi', '12Gi'), { oldObject: claim('8Gi', '12Gi') })).toContain(
    'exceeded quota: team-a',
  );
});

describe('an object under several quotas', () => {
  it('is charged to all or to none', async () => {
    await gate.quotas({
      'team-a': { hard: { pods: 5 }, warnAtPercent: 0 },
      tight: {
        hard: { 'requests.cpu': '100m' },
        namespaces: { selector: { matchLabels: { team: 'a' } } },
        warnAtPercent: 0,
      },
    });
    expect(await gate.ask(pod('one'))).toContain('exceeded quota: tight');
    expect(await gate.taken('team-a')).toEqual({ used: {}, reserved: {} });
    expect(await gate.ask(pod('one', { namespace: 'web' }))).toBe('allowed');
    expect(await gate.taken('team-a')).toMatchObject({ reserved: { pods: '1' } });
  });

  it('hears of all that refuse', async () => {
    await gate.quotas({ a: { hard: { pods: 0 } }, b: { hard: { 'count/pods': 0 } } });
    const said = await gate.ask(pod('one'));
    expect(said).toContain('exceeded quota: a, requested: pods=1, used: pods=0, limited: pods=0');
    expect(said).toContain('exceeded quota: b, requested: count/pods=1, used: count/pods=0, limited: count/pods=0');
  });
});

it('quotas of other clusters are not asked', async () => {
  await gate.quotas(
    { here: { hard: { pods: 9 }, clusters: { selector: { matchLabels: { region: 'eu' } } } } },
    { there: { hard: { pods: 0 }, clusters: { names: ['us-1'] } } },
  );
  expect(await gate.ask(pod('one'))).toBe('allowed');
});

it('a ceiling refuses with its own number, and says whose it is', async () => {
  await gate.quotas({ 'team-a': { hard: { pods: 10 }, perNamespace: { pods: 1 }, warnAtPercent: 0 } });
  expect(await gate.ask(pod('one'))).toBe('allowed');
  expect(await gate.ask(pod('two'))).toMatch(
    /requested: pods=1, used: pods=1, limited: pods=1; limited is what any one namespace may have/,
  );
  expect(await gate.ask(pod('two', { namespace: 'web' }))).toBe('allowed');
});

describe('modes', () => {
  it.each([
    { mode: 'enforce', said: /^403 exceeded quota: team-a, requested: pods=1, used: pods=0, limited: pods=0/ },
    { mode: 'warn', said: /^allowed, warning: exceeded quota: team-a, requested: pods=1/ },
    { mode: 'audit', said: /^allowed, exceeded quota: team-a, requested: pods=1/ },
  ])('$mode', async ({ mode, said }) => {
    await gate.quotas({ 'team-a': { hard: { pods: 0 }, mode } });
    expect(await gate.ask(pod('one'))).toMatch(said);
  });

  it('warns from the share on', async () => {
    await gate.quotas({ 'team-a': { hard: { pods: 4 }, warnAtPercent: 75 } });
    expect(await gate.ask(pod('one'))).toBe('allowed');
    expect(await gate.ask(pod('two'))).toBe('allowed');
    expect(await gate.ask(pod('three'))).toBe('allowed, warning: quota team-a is filling up: pods at 75 % (3 of 4)');
  });
});

describe('a ledger that gives no verdict', () => {
  beforeEach(() => {
    gate.admitter = { reserve: () => Promise.reject(new Error('the disk is full')) };
  });

  it.each([
    {
      specs: { strict: {} },
      said: /^503 cannot check quota strict: the quota ledger gives no answer/,
      outcome: 'refused',
    },
    { specs: { lax: { onFault: 'allow' } }, said: /^allowed, warning: quota lax was not checked/, outcome: 'allowed' },
    { specs: { lax: { onFault: 'allow' }, strict: {} }, said: /^503 cannot check quota strict:/, outcome: 'refused' },
    { specs: { told: { mode: 'audit' } }, said: /^allowed$/, outcome: 'allowed' },
  ])('$specs: $outcome', async ({ specs, said, outcome }) => {
    const quotas = Object.entries(specs).map(([name, spec]) => ({ [name]: { hard: { pods: 9 }, ...spec } }));
    await gate.quotas(...quotas);
    expect(await gate.ask(pod('one'))).toMatch(said);
    expect(gate.faults).toEqual([outcome]);
  });

  it.each([
    { what: 'refused', specs: { lax: { onFault: 'allow' }, strict: {} }, afterAbort: 'give-back' },
    { what: 'let in all the same', specs: { lax: { onFault: 'allow' } }, afterAbort: 'keep' },
  ])('after its time is over: $afterAbort where the write is then $what', async ({ specs, afterAbort }) => {
    const asked: string[] = [];
    gate.admitter = {
      reserve: (_reservation, options) => {
        asked.push(options.afterAbort);
        return Promise.reject(new Error('too late'));
      },
    };
    await gate.quotas(...Object.entries(specs).map(([name, spec]) => ({ [name]: { hard: { pods: 9 }, ...spec } })));
    await gate.ask(pod('one'));
    expect(asked).toEqual([afterAbort]);
  });

  it('is asked past only when every quota allows it', async () => {
    await gate.quotas({ lax: { hard: { pods: 9 }, onFault: 'allow' } });
    expect(gate.webhook().failurePolicy).toBe('Ignore');
    await gate.quotas({ lax: { hard: { pods: 9 }, onFault: 'allow' }, strict: { hard: { pods: 9 } } });
    expect(gate.webhook().failurePolicy).toBe('Fail');
  });
});

it('there is no webhook without a quota in this cluster', async () => {
  await gate.quotas({ there: { hard: { pods: 0 }, clusters: { names: ['us-1'] } } });
  expect(() => gate.webhook()).toThrow('no webhook');
});

function quotaOf(name: string, spec: object): GlobalQuota {
  const parsed = globalQuotaKind.parse({ metadata: { name }, ...{ spec } });
  if (!('object' in parsed)) throw new Error(JSON.stringify(parsed.problems));
  return parsed.object;
}

function meta(name: string, namespace = 'shop') {
  return { name, namespace, uid: `uid-of-${name}`, resourceVersion: '7' };
}

function pod(
  name: string,
  { namespace = 'shop', cpu = '300m' }: { namespace?: string; cpu?: string | null } = {},
): KubernetesObject {
  const { resourceVersion: _new, ...metadata } = meta(name, namespace);
  const container = {
    name: 'main',
    image: 'registry.example.com/web:1',
    resources: cpu === null ? {} : { requests: { cpu } },
  };
  return { apiVersion: 'v1', kind: 'Pod', metadata, ...{ spec: { containers: [container] } } };
}

function service(ports: number): KubernetesObject {
  const spec = {
    type: 'NodePort',
    ports: Array.from({ length: ports }, (_each, index) => ({ port: 80 + index, nodePort: 30_000 + index })),
  };
  return { apiVersion: 'v1', kind: 'Service', metadata: meta('front'), ...{ spec } };
}
