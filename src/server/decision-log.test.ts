import { beforeAll, describe, expect, it } from 'vitest';
import { allow, defineMutator, defineValidator, deny, encodeReviewRequest } from '../admission/index.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import type { KeyPair } from '../certs/index.ts';
import { buildRequest, type ReviewOptions } from '../testing/index.ts';
import { clientCertificate } from '../../test/client-certificate.ts';
import { serve, testAuthority } from '../../test/loopback-server.ts';

let authority: KeyPair;
beforeAll(async () => {
  authority = await testAuthority();
});

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'shop', labels: { team: 'Kanarie' } },
};
const secret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'db', namespace: 'shop' },
  stringData: { a: 'Kanarie' },
};

const target = { resource: ['pods', 'secrets'], operations: ['CREATE', 'DELETE'] } as const;
const says = (label: string | undefined): string => `the team ${label} is not known`;
const webhooks = [
  defineValidator({ name: 'allow.example.com', ...target, handler: () => allow({ warnings: ['old'] }) }),
  defineMutator({
    name: 'patch.example.com',
    ...target,
    handler: ({ object }) => {
      if (object !== null) object.metadata = { ...object.metadata, annotations: { a: 'Kanarie', b: 'Kanarie' } };
      return allow({ auditAnnotations: { by: 'patch' } });
    },
  }),
  defineValidator({
    name: 'deny.example.com',
    ...target,
    handler: () => deny('no', { code: 422, reason: 'Invalid', auditAnnotations: { rule: 'R1' } }),
  }),
  defineValidator({
    name: 'reader.example.com',
    ...target,
    reads: ['secrets'],
    handler: () => deny(says('Kanarie')),
  }),
  defineValidator({
    name: 'fault.example.com',
    ...target,
    handler: ({ object }) => {
      throw new Error(`cannot make sense of ${JSON.stringify(object)}`);
    },
  }),
];

async function ask(webhook: string, object: KubernetesObject, options: ReviewOptions) {
  const lines: string[] = [];
  const decisions = { write: (line: string) => void lines.push(line), close: () => Promise.resolve() };
  await using gate = await serve(authority, webhooks, { decisions });
  using client = await gate.connect();
  const verb = webhook === 'patch' ? 'mutate' : 'validate';
  client.post(
    `/${verb}/${webhook}.example.com?timeout=10s`,
    encodeReviewRequest('v1', buildRequest(object, { uid: 'u1', ...options })),
  );
  const answer = await client.answer();
  return { answer, lines, logged: JSON.stringify(gate.logger.lines, (_key, value: unknown) => expand(value)) };
}

/** What an error says, which JSON does not carry by itself. */
function expand(value: unknown): unknown {
  return value instanceof Error ? { message: value.message, stack: value.stack, cause: value.cause } : value;
}

const facts = {
  kind: 'Decision',
  time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
  uid: 'u1',
  operation: 'CREATE',
  resource: 'pods',
  namespace: 'shop',
  name: 'web',
  user: 'kubernetes-admin',
  milliseconds: expect.any(Number) as number,
};

describe('the decision log', () => {
  it.each([
    ['an allowed request', 'allow', pod, {}, { outcome: 'allowed', warnings: 1 }],
    ['a dry run', 'allow', pod, { dryRun: true }, { outcome: 'allowed', warnings: 1, dryRun: true }],
    ['a patched one', 'patch', pod, {}, { outcome: 'patched', patchOperations: 1, auditAnnotations: { by: 'patch' } }],
    [
      'a denied one',
      'deny',
      pod,
      {},
      { outcome: 'denied', code: 422, reason: 'Invalid', message: 'no', auditAnnotations: { rule: 'R1' } },
    ],
    [
      'a denied one about a Secret, without the words',
      'deny',
      secret,
      {},
      { outcome: 'denied', code: 422, reason: 'Invalid', resource: 'secrets', name: 'db' },
    ],
    [
      'a denied one of a webhook that looks Secrets up, without the words',
      'reader',
      pod,
      {},
      { outcome: 'denied', code: 403, reason: 'Forbidden' },
    ],
    [
      'a fault',
      'fault',
      secret,
      {},
      {
        outcome: 'fault',
        code: 500,
        reason: 'InternalError',
        message: 'webhook fault.example.com: the handler failed',
        resource: 'secrets',
        name: 'db',
      },
    ],
  ] as const)(
    'has one line of JSON for %s, and nothing of the object',
    async (_name, webhook, object, options, own) => {
      const { lines, logged } = await ask(webhook, object, options);
      expect(lines).toHaveLength(1);
      expect(JSON.parse(lines[0] ?? '')).toEqual({ ...facts, webhook: `${webhook}.example.com`, ...own });
      expect(lines[0]).not.toContain('\n');
      expect(lines[0]).not.toContain('Kanarie');
      expect(logged).not.toContain('Kanarie');
    },
  );

  it('has one for what was no review, and for what was shed', async () => {
    const lines: string[] = [];
    const decisions = { write: (line: string) => void lines.push(line), close: () => Promise.resolve() };
    const isCalled = Promise.withResolvers<void>();
    const mayEnd = Promise.withResolvers<void>();
    const slow = defineValidator({
      name: 'slow.example.com',
      ...target,
      handler: async () => {
        isCalled.resolve();
        await mayEnd.promise;
      },
    });
    const limits = { maxRequestsInWork: 1, maxRequestsQueued: 0 };
    await using gate = await serve(authority, [...webhooks, slow], { decisions, limits });
    using client = await gate.connect();
    using other = await gate.connect();
    client.post('/validate/deny.example.com', '{"secret":"Kanarie"');
    await client.answer();
    client.post('/validate/slow.example.com', encodeReviewRequest('v1', buildRequest(pod)));
    await isCalled.promise;
    other.post('/validate/allow.example.com', encodeReviewRequest('v1', buildRequest(secret)));
    await other.answer();
    mayEnd.resolve();
    await client.answer();
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { outcome: 'fault', code: 400, message: 'body: is not JSON; expected an AdmissionReview' },
      { outcome: 'shed', code: 503, message: expect.any(String) as string },
      { outcome: 'allowed' },
    ]);
    expect(lines.join()).not.toContain('Kanarie');
    expect(JSON.stringify(gate.logger.lines, (_key, value: unknown) => expand(value))).not.toContain('Kanarie');
  });

  it('has one for what was refused before it was read, but not of those who may not call', async () => {
    const lines: string[] = [];
    const decisions = { write: (line: string) => void lines.push(line), close: () => Promise.resolve() };
    const clientCertificates = { ca: authority.certificatePem, allowedNames: ['kube-apiserver'] };
    const limits = { maxBodyBytes: 100 };
    await using gate = await serve(authority, webhooks, { decisions, limits, clientCertificates });
    const path = '/validate/allow.example.com';
    using client = await gate.connect(await clientCertificate(authority, 'kube-apiserver'));
    const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;
    const requests: [number, () => void][] = [
      [405, () => client.get(path)],
      [415, () => client.post(path, '{}', { 'Content-Type': 'text/plain' })],
      [400, () => client.post(`${path}?timeout=soon`, '{}')],
      [413, () => client.post(path, JSON.stringify('Kanarie'.repeat(100)))],
      [413, () => client.send(`${head}Transfer-Encoding: chunked\r\n\r\n80\r\n${'Kanarie!'.repeat(16)}\r\n0\r\n\r\n`)],
    ];
    for (const [code, send] of requests) {
      send();
      expect(await client.answer()).toMatchObject({ httpStatus: code });
    }
    const refused = requests.map(([code]) => code);
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual(
      refused.map((code) => ({
        kind: 'Decision',
        time: facts.time,
        webhook: 'allow.example.com',
        outcome: 'refused',
        code,
        message: expect.any(String) as string,
        milliseconds: facts.milliseconds,
      })),
    );
    expect(lines.join()).not.toContain('Kanarie');

    using stranger = await gate.connect();
    using somebodyElse = await gate.connect(await clientCertificate(authority, 'kubelet'));
    for (const [code, caller] of [
      [401, stranger],
      [403, somebodyElse],
    ] as const) {
      caller.post(path, '{}');
      expect(await caller.answer()).toMatchObject({ httpStatus: code });
      refused.push(code);
    }
    expect(lines).toHaveLength(requests.length);
    expect(gate.observer.refused).toEqual(refused);
    const logged = gate.logger.lines.filter(({ message }) => message === 'request');
    expect(logged.map(({ facts: { webhook, outcome, code } }) => ({ webhook, outcome, code }))).toEqual(
      refused.map((code) => ({ webhook: 'allow.example.com', outcome: 'refused', code })),
    );
    // Nothing of it was a request that a webhook got.
    expect(gate.observer.finished).toEqual([]);
  });

  it.each([
    ['All', 50],
    ['Sampled', 20],
    ['Off', 0],
  ] as const)(
    'beside it the log has, with requestLog %s, of 50 allowed requests in a second %i',
    async (requestLog, count) => {
      const lines: string[] = [];
      const decisions = { write: (line: string) => void lines.push(line), close: () => Promise.resolve() };
      const clock = { now: () => 0, monotonic: () => 0, after: () => () => undefined };
      await using gate = await serve(authority, webhooks, { decisions, requestLog, clock });
      using client = await gate.connect();
      for (let index = 0; index < 50; index += 1) {
        client.post('/validate/allow.example.com', encodeReviewRequest('v1', buildRequest(pod)));
        await client.answer();
      }
      expect(lines).toHaveLength(50);
      expect(gate.logger.lines.filter(({ message }) => message === 'request')).toHaveLength(count);
    },
  );
});
