import { describe, expect, it } from 'vitest';
import { silentLogger } from '../telemetry/index.ts';
import { admit } from '../testing/admit.ts';
import { buildRequest } from '../testing/review-builder.ts';
import {
  allow,
  answerReview,
  defineMutator,
  defineValidator,
  deny,
  encodeReviewRequest,
  type MutatingHandler,
  type ValidatingHandler,
  type WebhookDefinition,
} from './index.ts';

const pod = () => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'shop', labels: { app: 'web' } } as {
    name: string;
    namespace: string;
    labels: Record<string, string>;
    annotations?: Record<string, string>;
  },
  spec: { containers: [{ name: 'web', image: 'web:1' }], futureField: { deep: [1, 2.5, null] } },
});

type Draft = ReturnType<typeof pod>;

function mutator(...handler: Array<MutatingHandler<Draft>>): WebhookDefinition {
  return defineMutator<Draft, 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'>({
    name: 'mutator.example.com',
    resource: 'pods',
    operations: ['CREATE', 'UPDATE', 'DELETE'],
    handler,
  });
}

function validator(...handler: Array<ValidatingHandler<Draft, 'CREATE' | 'UPDATE'>>): WebhookDefinition {
  return defineValidator<Draft>({
    name: 'validator.example.com',
    resource: 'pods',
    operations: ['CREATE'],
    handler,
  });
}

describe('a mutating webhook', () => {
  it('gives no patch at all for no change', async () => {
    const result = await admit(
      mutator(() => undefined),
      pod(),
    );
    expect(result).toMatchObject({ allowed: true, patch: [] });
  });

  it('touches only what the handler changed; fields no type knows survive', async () => {
    const { patch, object } = await admit(
      mutator(({ object: draft }) => {
        if (draft !== null) draft.metadata.labels['team'] = 'shop';
      }),
      pod(),
    );
    expect(patch).toEqual([{ op: 'add', path: '/metadata/labels/team', value: 'shop' }]);
    expect(object.spec.futureField).toEqual({ deep: [1, 2.5, null] });
  });

  it('accepts a new object as well as an edited draft', async () => {
    const { patch } = await admit(
      mutator(({ object: draft }) =>
        draft === null ? undefined : { ...draft, metadata: { ...draft.metadata, labels: {} } },
      ),
      pod(),
    );
    expect(patch).toEqual([{ op: 'remove', path: '/metadata/labels/app' }]);
  });

  it('runs handlers in order over one draft, and diffs once', async () => {
    const { patch } = await admit(
      mutator(
        ({ object: draft }) =>
          draft === null ? undefined : { ...draft, metadata: { ...draft.metadata, labels: { app: 'a' } } },
        ({ object: draft }) => {
          if (draft?.metadata.labels['app'] === 'a') draft.metadata.labels['app'] = 'b';
        },
      ),
      pod(),
    );
    expect(patch).toEqual([{ op: 'replace', path: '/metadata/labels/app', value: 'b' }]);
  });

  it('ends at the first refusal, without a patch', async () => {
    let reached = false;
    const result = await admit(
      mutator(
        ({ object: draft }) => {
          if (draft !== null) draft.metadata.labels = {};
          return deny('no', { warnings: ['look here'] });
        },
        () => {
          reached = true;
        },
      ),
      pod(),
    );
    expect(result).toMatchObject({
      allowed: false,
      patch: [],
      message: 'no',
      code: 403,
      reason: 'Forbidden',
      warnings: ['look here'],
    });
    expect(reached).toBe(false);
  });

  it('leaves the number literals of untouched fields as they came', async () => {
    const text = encodeReviewRequest('v1', buildRequest(pod())).replace(
      '[1,2.5,null]',
      '[12345678901234567890,2.5,null]',
    );
    const webhook = mutator(({ object: draft }) => {
      // Moves the whole subtree, so that the patch has to write the number again.
      if (draft !== null) Object.assign(draft, { spec: { moved: draft.spec } });
    });
    const answer = await answerReview(webhook, text, { signal: AbortSignal.timeout(10_000), log: silentLogger });
    const { response } = JSON.parse(answer.body) as { response: { patch: string } };
    expect(Buffer.from(response.patch, 'base64').toString()).toContain('12345678901234567890');
  });

  it('tells two literals apart that one double stands for', async () => {
    const literals = '[9007199254740993,2.5,9007199254740992]';
    const text = encodeReviewRequest('v1', buildRequest(pod())).replace('[1,2.5,null]', literals);
    const webhook = mutator(({ object: draft }) => {
      if (draft !== null) Object.assign(draft, { spec: { moved: draft.spec } });
    });
    const answer = await answerReview(webhook, text, { signal: AbortSignal.timeout(10_000), log: silentLogger });
    const { response } = JSON.parse(answer.body) as { response: { patch: string } };
    expect(Buffer.from(response.patch, 'base64').toString()).toContain(literals);
  });

  it.each([
    ['a function', () => Object.assign(pod(), { f: () => 1 })],
    ['NaN', () => Object.assign(pod(), { n: NaN })],
    ['a Date', () => Object.assign(pod(), { d: new Date(0) })],
    ['a bigint', () => Object.assign(pod(), { b: 1n })],
  ])('answers a fault when the object holds %s', async (_name, make) => {
    await expect(admit(mutator(make), pod())).rejects.toThrow(/HTTP 500: webhook mutator.example.com/);
  });

  it('tells a test what its handler threw', async () => {
    const thrown = new TypeError('no such field');
    const fault = admit(
      mutator(() => {
        throw thrown;
      }),
      pod(),
    );
    await expect(fault).rejects.toMatchObject({ name: 'WebhookFault', cause: thrown });
  });
});

describe('a validating webhook', () => {
  it('refuses with message, code, reason and causes', async () => {
    const causes = [{ field: 'spec', message: 'bad', reason: 'FieldValueInvalid' }];
    const result = await admit(
      validator(() => deny('not so', { code: 422, causes })),
      pod(),
    );
    expect(result).toMatchObject({ allowed: false, message: 'not so', code: 422, reason: 'Invalid', causes });
  });

  it('shows each handler the object as it came', async () => {
    const result = await admit(
      validator(
        ({ object }) => {
          object.metadata.labels = {};
        },
        ({ object }) => (object.metadata.labels['app'] === 'web' ? allow() : deny('changed by another handler')),
      ),
      pod(),
    );
    expect(result.allowed).toBe(true);
  });

  it('carries warnings and audit annotations of all handlers', async () => {
    const result = await admit(
      validator(
        () => allow({ warnings: ['one\ntwo', ''], auditAnnotations: { a: '1' } }),
        () => allow({ warnings: ['one'], auditAnnotations: { b: '2' } }),
      ),
      pod(),
    );
    expect(result).toMatchObject({ warnings: ['one', 'two'], auditAnnotations: { a: '1', b: '2' } });
  });
});

describe('faults', () => {
  it.each([
    [
      'throws',
      () => {
        throw new Error('secret text');
      },
      500,
    ],
    ['rejects', () => Promise.reject(new Error('secret text')), 500],
    ['returns a text', () => 'yes' as never, 500],
    ['returns a list', () => [] as never, 500],
    ['denies with a code that is none', () => deny('no', { code: 200 }), 500],
    ['denies without a message', () => deny(' '), 500],
    ['annotates under a bad key', () => allow({ auditAnnotations: { 'a/b': 'c' } }), 500],
    [
      'asks for a lister that was not declared',
      (_: unknown, { lister }: { lister: (name: 'pods') => unknown }) => void lister('pods'),
      500,
    ],
    ['never answers', () => new Promise<never>(() => undefined), 504],
  ])('a handler that %s', async (_name, handler, code) => {
    const text = encodeReviewRequest('v1', buildRequest(pod()));
    const controller = new AbortController();
    const pending = answerReview(validator(handler), text, { signal: controller.signal, log: silentLogger });
    if (code === 504) controller.abort();
    const answer = await pending;
    expect(answer).toMatchObject({ httpStatus: code, outcome: 'fault' });
    expect(JSON.parse(answer.body)).toMatchObject({ kind: 'Status', status: 'Failure', code });
    expect(answer.body).toContain('validator.example.com');
    expect(answer.body).not.toContain('secret text');
  });
});

describe('a webhook with side effects', () => {
  const webhook = (log: string[]) =>
    defineValidator<Draft>({
      name: 'effects.example.com',
      resource: 'pods',
      operations: ['CREATE'],
      sideEffects: 'NoneOnDryRun',
      handler: () => void log.push('handler'),
      dryRunHandler: () => void log.push('dry run'),
    });

  it.each([
    [false, ['handler']],
    [true, ['dry run']],
  ])('with dryRun %s', async (dryRun, expected) => {
    const log: string[] = [];
    await admit(webhook(log), pod(), { dryRun });
    expect(log).toEqual(expected);
  });
});

describe('buildRequest()', () => {
  it.each([
    ['a namespaced object', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'shop' } }, 'shop'],
    ['one without a namespace', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } }, 'default'],
    ['a cluster-scoped object', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'a' } }, undefined],
    ['a Namespace', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } }, 'a'],
  ])('puts %s where the API server does', (_name, object, namespace) => {
    expect(buildRequest(object).namespace).toBe(namespace);
  });
});
