import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../api/object-meta.ts';
import { buildRequest } from '../testing/index.ts';
import { RecordingLogger } from '../../test/loopback-server.ts';
import { answerReview, defineValidator, encodeReviewRequest, type AnswerOptions } from './index.ts';

/** What the log gets of an error that a handler throws: messages and stacks of it and its causes. */
async function logOf(
  object: KubernetesObject & Record<string, unknown>,
  problem: () => unknown,
  { quotes, reads = [] }: { quotes?: AnswerOptions['quotes']; reads?: string[] } = {},
): Promise<string> {
  const log = new RecordingLogger();
  const webhook = defineValidator({
    name: 'a.example.com',
    resource: ['pods', 'secrets'],
    operations: ['CREATE'],
    reads,
    handler: () => {
      throw problem();
    },
  });
  await answerReview(webhook, encodeReviewRequest('v1', buildRequest(object)), {
    signal: new AbortController().signal,
    log,
    ...(quotes !== undefined && { quotes }),
  });
  const texts: string[] = [];
  const [line] = log.lines;
  for (let error = line?.facts['error']; error instanceof Error; error = error.cause as Error) {
    texts.push(`${error.name}|${error.message}|${error.stack}`);
  }
  return texts.join('\n');
}

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'web',
    annotations: {
      'kubectl.kubernetes.io/last-applied-configuration': '{"spec":{"containers":[{"reading":"undefined"}]}}',
    },
  },
  spec: { containers: [{ name: 'web', env: [{ name: 'PASSWORD', value: 'correct-horse' }] }] },
};
const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db' }, data: { a: 'Y29ycmVjdC1ob3JzZQ==' } };

describe('what the log says of an error that a handler throws', () => {
  it('withholds the words that stand in the object, whole or in part, in messages and causes', async () => {
    const log = await logOf(
      pod,
      () => new Error('env PASSWORD=correct-horse is weak', { cause: new SyntaxError('near "correct-ho"') }),
    );
    expect(log).not.toContain('correct-ho');
    expect(log).toContain('env [withheld]=[withheld] is weak');
    expect(log).toContain('SyntaxError|near "[withheld]"');
  });

  it('keeps class, code, place and the words of the fault itself', async () => {
    const log = await logOf(pod, () => {
      const missing = undefined as unknown as { containers: unknown };
      return missing.containers;
    });
    expect(log).toContain('webhook a.example.com: the handler failed');
    expect(log).toContain("TypeError|Cannot read properties of undefined (reading 'containers')");
    expect(log).toMatch(/withheld\.test\.ts:\d+:\d+/);
  });

  it.each([
    ['the object is a Secret', secret, []],
    ['the webhook looks Secrets up', pod, ['secrets']],
    ['it looks them up by version', pod, ['secrets/v1']],
  ])('withholds every word of others when %s', async (_name, object, reads) => {
    const log = await logOf(object, () => new Error('decoded: correct-horse\n    at correct-horse (x.ts:1:1)'), {
      reads,
    });
    expect(log).not.toContain('correct');
    expect(log).toContain('Error|[withheld]|');
    expect(log).toMatch(/withheld\.test\.ts:\d+:\d+/);
  });

  it.each([
    ['objects', pod, true],
    ['objects', secret, false],
    ['secrets', secret, true],
    ['nothing', pod, false],
  ] as const)('quotes %s: of a %o %s', async (quotes, object, isQuoted) => {
    const log = await logOf(object, () => new Error(`value correct-horse Y29ycmVjdC1ob3JzZQ==`), { quotes });
    expect(log.includes('value correct-horse')).toBe(isQuoted);
  });

  it('is said also of an error that it caught and logs itself', async () => {
    const log = new RecordingLogger();
    const webhook = defineValidator({
      name: 'a.example.com',
      resource: 'secrets',
      operations: ['CREATE'],
      handler: (_request, context) => {
        const error = new Error('decoded correct-horse');
        context.log.child({ error }).warn('odd', { error, size: 3 });
      },
    });
    await answerReview(webhook, encodeReviewRequest('v1', buildRequest(secret)), {
      signal: new AbortController().signal,
      log,
    });
    expect(log.lines).toMatchObject([{ level: 'warn', facts: { webhook: 'a.example.com', size: 3 } }]);
    expect((log.lines[0]?.facts['error'] as Error).message).toBe('[withheld]');
  });

  it('ends with errors that cause each other', async () => {
    const error: Error & { cause?: unknown } = new Error('ring');
    error.cause = error;
    expect((await logOf(pod, () => error)).split('\n').filter((line) => line.startsWith('Error|'))).toHaveLength(5);
  });
});
