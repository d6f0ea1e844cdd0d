/**
 * Entry of the thread that runs users' webhooks for {@link WebhookThread}: loads them once, then answers reviews.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { answerReview, objectListers, type WebhookDefinition } from '../admission/index.ts';
import { SallyportError } from '../errors.ts';
import type { LogFacts, Logger } from '../telemetry/index.ts';
import type { ThreadData, ThreadMessage, ThreadRequest } from './webhook-thread.ts';
import { loadRegistry } from './load-registry.ts';

if (parentPort === null) throw new Error('this file is the entry of a worker thread');
const port = parentPort;
// WebhookThread is the only one who starts this file.
const { paths, selection, objects } = workerData as ThreadData;
const send = (message: ThreadMessage): void => port.postMessage(message);

/** Lines go to the main thread, which owns the output. */
function forwardingLogger(bound: LogFacts): Logger {
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, facts: LogFacts = {}) =>
      send({ kind: 'log', level, message, facts: { ...bound, ...facts } });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (facts) => forwardingLogger({ ...bound, ...facts }),
  };
}

const aborts = new Map<number, AbortController>();

async function answer(
  definition: WebhookDefinition,
  { id, text }: Extract<ThreadRequest, { kind: 'review' }>,
): Promise<void> {
  const controller = new AbortController();
  aborts.set(id, controller);
  const { request: _request, ...reply } = await answerReview(definition, text, {
    signal: controller.signal,
    log: forwardingLogger({}),
    listers: objectListers(objects),
  });
  aborts.delete(id);
  send({ kind: 'answer', id, ...reply });
}

try {
  const registry = await loadRegistry({ paths, ...selection });
  port.on('message', (message: ThreadRequest) => {
    if (message.kind === 'abort') return aborts.get(message.id)?.abort();
    const definition = registry.byName(message.webhook);
    if (definition !== undefined) void answer(definition, message);
  });
  const definitions = [...registry].map(({ handlers: _handlers, dryRunHandlers: _dryRun, ...facts }) => facts);
  send({ kind: 'ready', definitions });
} catch (error) {
  const isOurs = error instanceof SallyportError;
  const problem = isOurs ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  send({ kind: 'failed', problem });
}
