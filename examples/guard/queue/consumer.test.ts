import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Consumer, type Message, type Queue } from './consumer.ts';

/** A queue in memory that gives what is not acknowledged to the next one. */
class MemoryQueue implements Queue {
  readonly waiting: Message[] = [];
  readonly acknowledged: string[] = [];
  received = 0;

  async receive(): Promise<Message | undefined> {
    const message = this.waiting.shift();
    if (message !== undefined) this.received += 1;
    return message;
  }

  async acknowledge({ id }: Message): Promise<void> {
    this.acknowledged.push(id);
  }
}

const secret = 'correct horse battery staple';
let queue: MemoryQueue;
let consumer: Consumer;
let port: number;
/** Ends the work on the message in hand. */
let finish: () => void;

beforeEach(async () => {
  queue = new MemoryQueue();
  finish = () => undefined;
  const work = (): Promise<void> => new Promise((resolve) => (finish = resolve));
  consumer = new Consumer({ queue, work, secret, idleMilliseconds: 1 });
  port = await consumer.start(0);
});
afterEach(async () => {
  const stopped = consumer.stop();
  finish();
  await stopped;
});

async function call(
  action: 'start' | 'status' | 'undo',
  options: { key?: string; secret?: string; signedAs?: string } = {},
) {
  const { key = 'uid/1', signedAs = action } = options;
  const body = action === 'status' ? '' : JSON.stringify({ action: signedAs, key });
  const id = `${key}/${signedAs}`;
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = createHmac('sha256', options.secret ?? secret)
    .update(`${id}.${timestamp}.${body}`)
    .digest('base64');
  const headers = {
    'idempotency-key': key,
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
  };
  const method = action === 'status' ? 'GET' : 'POST';
  const response = await fetch(`http://127.0.0.1:${port}/departure/${action}`, {
    method,
    headers,
    ...(body && { body }),
  });
  const answer = await response.text();
  return {
    status: response.status,
    phase: answer === '' ? undefined : (JSON.parse(answer) as { phase: string }).phase,
  };
}

/** Asks until it is so; the test's own timeout ends it. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 2));
}

it('leaves when the message in hand is acknowledged, and takes no other', async () => {
  queue.waiting.push({ id: 'a', body: '' }, { id: 'b', body: '' });
  await until(() => queue.received === 1);
  expect(await call('status')).toMatchObject({ phase: 'Unknown' });
  expect((await call('start')).status).toBe(202);
  expect(await call('status')).toMatchObject({ phase: 'Running' });
  finish();
  await until(async () => (await call('status')).phase === 'Done');
  expect([queue.acknowledged, queue.waiting.map(({ id }) => id)]).toEqual([['a'], ['b']]);
});

it('goes on where it was when the departure is called off', async () => {
  await call('start');
  queue.waiting.push({ id: 'a', body: '' });
  await until(async () => (await call('status')).phase === 'Done');
  expect(queue.received).toBe(0);
  expect((await call('undo')).status).toBe(200);
  await until(() => queue.received === 1);
  expect(await call('status')).toMatchObject({ phase: 'Unknown' });
});

it.each([
  ['another secret', 'start', { secret: 'guessed' }],
  ['a recorded start', 'undo', { signedAs: 'start' }],
] as const)('does nothing for %s', async (_what, action, options) => {
  const { status } = await call(action, options);
  expect(status).toBe(401);
});
