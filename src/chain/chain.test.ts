import { describe, expect, it } from 'vitest';
import type { Operation } from '../api/admission-review.ts';
import type { MutatingWebhook, ValidatingWebhook } from '../api/webhook-configuration.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../json/json-value.ts';
import {
  AdmissionChain,
  admitted,
  ConversionError,
  createConditionCompiler,
  InMemoryClusterState,
  mutatingWebhookPlugin,
  NoConverterError,
  orderPlugins,
  refused,
  registerWebhooks,
  ResourceCatalog,
  validated,
  validatingWebhookPlugin,
  type AdmissionPlugin,
  type Admitted,
  type Attributes,
  type ChainEntry,
  type Outcome,
  type WebhookClient,
  type WebhookRequest,
} from './index.ts';
import { FakeClock } from '../../test/fake-clock.ts';

const configMaps = { group: '', version: 'v1', resource: 'configmaps' };
const object: JsonObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', namespace: 'shop' },
  data: { x: '1' },
};

function attributes(over: Partial<Attributes> = {}): Attributes {
  return {
    operation: 'CREATE',
    kind: { group: '', version: 'v1', kind: 'ConfigMap' },
    resource: configMaps,
    subresource: '',
    name: 'a',
    namespace: 'shop',
    object,
    oldObject: null,
    options: null,
    dryRun: false,
    userInfo: { username: 'alice' },
    ...over,
  };
}

const catalog = new ResourceCatalog();
const objectInterfaces = () => catalog.objectInterfaces(configMaps);

function chainOf(
  plugins: readonly ChainEntry[],
  over: Partial<ConstructorParameters<typeof AdmissionChain>[0]> = {},
): AdmissionChain {
  return new AdmissionChain({ plugins, state: new InMemoryClusterState(), objectInterfaces, ...over });
}

const every = () => true;
const withData =
  (key: string, value: JsonValue) =>
  (seen: Attributes): Admitted =>
    admitted({
      ...(seen.object ?? {}),
      data: { ...(isJsonObject(seen.object?.['data']) ? seen.object['data'] : {}), [key]: value },
    });

/** What happened, in short. */
function told({ steps }: Outcome): string[] {
  return steps.map((step) =>
    step.kind === 'plugin'
      ? `${step.plugin} ${step.walk}${step.round} ${step.outcome.kind}`
      : `${step.webhook} ${step.walk}${step.round} ${step.match.kind}${step.call === undefined ? '' : ` ${step.call.result.kind}`}`,
  );
}

describe('AdmissionChain.run()', () => {
  it('walks twice over the list and hands the changed object on', async () => {
    const first: AdmissionPlugin = {
      name: 'First',
      handles: every,
      admit: withData('first', 'yes'),
      validate: () => validated,
    };
    const second: AdmissionPlugin = {
      name: 'Second',
      handles: every,
      validate: ({ object: seen }) => (seen === null ? refused({}) : validated),
    };
    const outcome = await chainOf([first, second]).run(attributes());
    expect(outcome).toMatchObject({ allowed: true, object: { data: { x: '1', first: 'yes' } } });
    expect(told(outcome)).toEqual(['First admit0 changed', 'First validate0 allowed', 'Second validate0 allowed']);
  });

  it('ends at the first refusal, with what was told until then', async () => {
    const warner: AdmissionPlugin = {
      name: 'Warner',
      handles: every,
      admit: (seen, { warnings, auditAnnotations }) => {
        warnings.add('careful');
        auditAnnotations.add('example.com/seen', 'yes');
        return admitted(seen.object);
      },
    };
    const refuser: AdmissionPlugin = {
      name: 'Refuser',
      handles: every,
      admit: () => refused({ code: 403, message: 'no' }),
    };
    const never: AdmissionPlugin = {
      name: 'Never',
      handles: every,
      admit: withData('never', true),
      validate: () => validated,
    };
    const outcome = await chainOf([warner, refuser, never]).run(attributes());
    expect(outcome).toMatchObject({
      allowed: false,
      status: { code: 403, message: 'no' },
      object,
      warnings: ['careful'],
      auditAnnotations: { 'example.com/seen': { value: 'yes', level: 'Metadata' } },
    });
    expect(told(outcome)).toEqual(['Warner admit0 allowed', 'Refuser admit0 refused']);
  });

  it.each<[Operation, string[]]>([
    ['CREATE', ['Creator admit0 changed']],
    ['DELETE', ['Creator admit0 notHandled']],
  ])('asks a plug-in only about its operations: %s', async (operation, expected) => {
    const creator: AdmissionPlugin = { name: 'Creator', handles: (each) => each === 'CREATE', admit: withData('c', 1) };
    expect(told(await chainOf([creator]).run(attributes({ operation })))).toEqual(expected);
  });

  it('says once which plug-ins it does not simulate', async () => {
    const outcome = await chainOf([{ name: 'NodeRestriction', notSimulated: true }]).run(attributes());
    expect(told(outcome)).toEqual(['NodeRestriction admit0 notSimulated']);
  });

  it('lets the caller stand between the walks', async () => {
    const seen: JsonValue[] = [];
    const watcher: AdmissionPlugin = {
      name: 'Watcher',
      handles: every,
      validate: (each) => {
        seen.push(each.name);
        return validated;
      },
    };
    const named = await chainOf([watcher]).run(attributes({ name: '' }), {
      betweenWalks: (each) => ({ ...each, name: 'a-x7k2p' }),
    });
    const invalid = await chainOf([watcher]).run(attributes(), { betweenWalks: () => refused({ code: 422 }) });
    expect([named.allowed, invalid.status, seen]).toEqual([true, { code: 422 }, ['a-x7k2p']]);
  });

  it('lets what a plug-in throws end the run', async () => {
    const broken: AdmissionPlugin = {
      name: 'Broken',
      handles: every,
      admit: () => {
        throw new RangeError('oops');
      },
    };
    await expect(chainOf([broken]).run(attributes())).rejects.toThrow('oops');
  });
});

interface Hook extends Partial<MutatingWebhook> {
  readonly answers: (
    request: JsonObject,
    call: WebhookRequest,
    signal: AbortSignal,
  ) => JsonObject | Promise<JsonObject>;
}

const allowing = (): JsonObject => ({ allowed: true });
const patching =
  (...operations: JsonObject[]) =>
  (): JsonObject => ({
    allowed: true,
    patchType: 'JSONPatch',
    patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
  });

function webhookOf(name: string, { answers: _, ...over }: Hook): MutatingWebhook {
  return {
    name,
    clientConfig: { service: { name: 'hooks', namespace: 'ops', path: `/${name}` } },
    rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }],
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    ...over,
  };
}

/** The webhook plug-ins with webhooks in this process. */
function webhookPlugins(
  mutating: { readonly [name: string]: Hook },
  validating: { readonly [name: string]: Hook } = {},
) {
  const calls: string[] = [];
  const client: WebhookClient = {
    async call(request, signal) {
      const hook = mutating[request.webhook] ?? validating[request.webhook];
      const review = JSON.parse(Buffer.from(request.body).toString()) as { request: JsonObject; apiVersion: string };
      calls.push(request.webhook);
      const response = { uid: review.request['uid'], ...(await hook?.answers(review.request, request, signal)) };
      return { status: 200, headers: {}, body: Buffer.from(JSON.stringify({ ...review, response })) };
    },
  };
  const register = <Webhook extends ValidatingWebhook>(webhooks: Webhook[]) =>
    registerWebhooks([{ metadata: { name: 'hooks' }, webhooks }], createConditionCompiler());
  let uids = 0;
  const caller = { client, newUid: () => `uid-${uids++}` };
  return {
    calls,
    plugins: [
      mutatingWebhookPlugin({
        ...caller,
        webhooks: register(Object.entries(mutating).map(([name, hook]) => webhookOf(name, hook))),
      }),
      validatingWebhookPlugin({
        ...caller,
        webhooks: register(Object.entries(validating).map(([name, hook]) => webhookOf(name, hook))),
      }),
    ],
  };
}

describe('the webhook plug-ins', () => {
  it("call webhooks again that wish it, after the server's own plug-ins changed the object in the second pass", async () => {
    const { plugins, calls } = webhookPlugins({
      'a.x.example': { answers: allowing, reinvocationPolicy: 'IfNeeded' },
      'b.x.example': { answers: patching({ op: 'add', path: '/data/b', value: '1' }), reinvocationPolicy: 'IfNeeded' },
    });
    // Comes before the webhooks, so it sees what they did only in the second pass.
    const late: AdmissionPlugin = {
      name: 'LimitRanger',
      handles: every,
      admit: (seen) => (hasData(seen, 'b') ? withData('late', 'yes')(seen) : admitted(seen.object)),
    };
    const outcome = await chainOf(orderPlugins([late, ...plugins])).run(attributes());
    expect(outcome.allowed).toBe(true);
    expect(calls).toEqual(['a.x.example', 'b.x.example', 'a.x.example', 'b.x.example']);
  });

  it('call a webhook with side effects in no dry run, and fail then whatever its failurePolicy', async () => {
    const { plugins, calls } = webhookPlugins({
      'a.x.example': { answers: allowing, sideEffects: 'Some', failurePolicy: 'Ignore' },
    });
    const outcome = await chainOf(plugins).run(attributes({ dryRun: true }));
    expect(outcome.status).toMatchObject({
      code: 400,
      reason: 'BadRequest',
      message: 'admission webhook "a.x.example" does not support dry run',
    });
    expect(calls).toEqual([]);
  });

  it('take absent side effects for a call error in a dry run', async () => {
    // Only objects stored before v1 can be so.
    const { plugins } = webhookPlugins({ 'a.x.example': { answers: allowing, sideEffects: undefined as never } });
    const outcome = await chainOf(plugins).run(attributes({ dryRun: true }));
    expect(outcome.status?.message).toBe(
      'Internal error occurred: failed calling webhook "a.x.example": Webhook SideEffects is nil',
    );
  });

  it('take a webhook that knows none of our review versions for a call error', async () => {
    const { plugins } = webhookPlugins({ 'a.x.example': { answers: allowing, admissionReviewVersions: ['v9'] } });
    expect((await chainOf(plugins).run(attributes())).status?.message).toBe(
      'Internal error occurred: failed calling webhook "a.x.example": could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)',
    );
  });

  it('tell the first in the list of those that refuse at once', async () => {
    const deny = (message: string) => (): JsonObject => ({ allowed: false, status: { message } });
    const { plugins, calls } = webhookPlugins(
      {},
      {
        'a.x.example': { answers: async () => (await Promise.resolve(), deny('a')()) },
        'b.x.example': { answers: deny('b') },
        'c.x.example': { answers: allowing },
      },
    );
    const outcome = await chainOf(plugins).run(attributes());
    expect(outcome.status?.message).toBe('admission webhook "a.x.example" denied the request: a');
    expect(calls).toEqual(['a.x.example', 'b.x.example', 'c.x.example']);
  });

  it('show every exchange in the trace', async () => {
    const { plugins } = webhookPlugins({
      'a.x.example': { answers: patching({ op: 'add', path: '/data/a', value: '1' }) },
      'b.x.example': { answers: allowing, objectSelector: { matchLabels: { no: 'match' } } },
    });
    const { steps } = await chainOf(plugins).run(attributes());
    expect(steps.filter((step) => step.kind === 'webhook')).toMatchObject([
      {
        configuration: 'hooks',
        webhook: 'a.x.example',
        index: 0,
        match: { kind: 'matched', equivalent: false },
        call: {
          request: { request: { uid: 'uid-0', object } },
          response: { response: { uid: 'uid-0', allowed: true } },
          patch: [{ op: 'add', path: '/data/a', value: '1' }],
          result: { kind: 'allowed', changed: true },
        },
      },
      { webhook: 'b.x.example', index: 1, match: { kind: 'notMatched', by: 'objectSelector' } },
      { webhook: 'a.x.example', round: 1, match: { kind: 'notReinvoked' } },
      { webhook: 'b.x.example', round: 1, match: { kind: 'notMatched', by: 'objectSelector' } },
    ]);
  });

  it('answer 500 where the API server could not convert, whatever the failurePolicy', async () => {
    const { plugins } = webhookPlugins({ 'a.x.example': { answers: allowing, failurePolicy: 'Ignore' } });
    const failing = {
      ...objectInterfaces(),
      convert: () => {
        throw new ConversionError({ group: '', version: 'v2', kind: 'ConfigMap' }, 'cannot');
      },
    };
    const outcome = await chainOf(plugins, { objectInterfaces: () => failing }).run(
      attributes({ kind: { group: '', version: 'v2', kind: 'ConfigMap' } }),
    );
    expect(outcome.status).toMatchObject({
      code: 500,
      message: 'Internal error occurred: Internal error occurred: cannot',
    });
  });

  it('throw where nobody knows what the API server would make of a conversion', async () => {
    const { plugins } = webhookPlugins({ 'a.x.example': { answers: allowing } });
    const run = chainOf(plugins).run(attributes({ kind: { group: '', version: 'v2', kind: 'ConfigMap' } }));
    await expect(run).rejects.toThrow(NoConverterError);
  });
});

function hasData({ object: seen }: Attributes, key: string): boolean {
  const data = seen?.['data'];
  return isJsonObject(data) && key in data;
}

/** Everything that can go on without time goes on. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('time', () => {
  const hanging = () => Promise.withResolvers<JsonObject>().promise;

  it('of one webhook is told to it and kept', async () => {
    const clock = new FakeClock();
    const told: [string, number][] = [];
    const { plugins } = webhookPlugins({
      'a.x.example': {
        answers: (_, { url, timeoutSeconds }) => (told.push([url, timeoutSeconds]), hanging()),
        timeoutSeconds: 3,
      },
    });
    const run = chainOf(plugins, { clock }).run(attributes());
    await settle();
    clock.advance(3000);
    expect((await run).status?.message).toBe(
      'Internal error occurred: failed calling webhook "a.x.example": failed to call webhook: Post "https://hooks.ops.svc:443/a.x.example?timeout=3s": context deadline exceeded',
    );
    expect(told).toEqual([['https://hooks.ops.svc:443/a.x.example?timeout=3s', 3]]);
  });

  it('of the request bounds that of its webhooks', async () => {
    const clock = new FakeClock();
    const seconds: number[] = [];
    const { plugins } = webhookPlugins({
      'a.x.example': {
        answers: (_, call) => (seconds.push(call.timeoutSeconds), hanging()),
        timeoutSeconds: 30,
        failurePolicy: 'Ignore',
      },
      'b.x.example': {
        answers: (_, call) => (seconds.push(call.timeoutSeconds), hanging()),
        timeoutSeconds: 30,
        failurePolicy: 'Ignore',
      },
    });
    const run = chainOf(plugins, { clock }).run(attributes());
    await settle();
    clock.advance(30_000);
    await settle();
    clock.advance(3500);
    clock.advance(500);
    expect((await run).status).toMatchObject({
      code: 504,
      reason: 'Timeout',
      message: 'Timeout: request did not complete within requested timeout',
    });
    expect(seconds).toEqual([30, 4]);
  });

  it('ends when the client goes away, and nobody is told that a webhook failed open', async () => {
    const clock = new FakeClock();
    const client = new AbortController();
    const { plugins } = webhookPlugins({ 'a.x.example': { answers: hanging, failurePolicy: 'Ignore' } });
    const run = chainOf(plugins, { clock }).run(attributes(), { signal: client.signal });
    await settle();
    client.abort();
    const outcome = await run;
    expect(outcome.status?.code).toBe(504);
    expect(Object.keys(outcome.auditAnnotations)).toEqual(['mutation.webhook.admission.k8s.io/round_0_index_0']);
  });

  it('that is over before validating webhooks are called calls none', async () => {
    const clock = new FakeClock();
    const { plugins, calls } = webhookPlugins({}, { 'a.x.example': { answers: allowing } });
    const slow: AdmissionPlugin = {
      name: 'Slow',
      handles: every,
      admit: (seen) => {
        clock.advance(34_000);
        return admitted(seen.object);
      },
    };
    const outcome = await chainOf([slow, ...plugins], { clock }).run(attributes());
    expect([outcome.status?.code, calls]).toEqual([504, []]);
  });

  it('is taken from the signal of a webhook that nobody waits for any more', async () => {
    const clock = new FakeClock();
    const signals: AbortSignal[] = [];
    const { plugins } = webhookPlugins({
      'a.x.example': {
        answers: (_, __, signal) => (signals.push(signal), hanging()),
        timeoutSeconds: 1,
        failurePolicy: 'Ignore',
      },
    });
    const run = chainOf(plugins, { clock }).run(attributes());
    await settle();
    clock.advance(1000);
    expect((await run).allowed).toBe(true);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });
});
