/**
 * Entry of the thread that runs users' webhooks for {@link WebhookThread}: loads them once, then answers reviews.
 */
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import {
  answerReview,
  failureStatus,
  objectListers,
  type AdmissionRequest,
  type ListerSource,
  type WebhookRegistry,
  type WebhookDefinition,
} from '../admission/index.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import { SallyportError } from '../errors.ts';
import { KubeClient, loadKubeconfig } from '../kube/index.ts';
import { systemClock, type LogFacts, type Logger } from '../telemetry/index.ts';
import { InformerListers } from './informer-listers.ts';
import { logStrayRejections } from './stray-rejections.ts';
import type { ThreadData, ThreadMessage, ThreadRequest } from './webhook-thread.ts';
import { loadRegistry } from '../sources/load-registry.ts';

if (parentPort === null) throw new Error('this file is the entry of a worker thread');
const port = parentPort;
// WebhookThread is the only one who starts this file.
const { paths, selection, kubeconfig, quotes, isIsolated = false } = workerData as ThreadData;
// On Linux a priority belongs to a thread, and 0 is the one that asks; elsewhere it is that of the process, and stays.
if (isIsolated && process.platform === 'linux') setPriority(0, constants.priority.PRIORITY_LOW);
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

/** Objects that were let in, by kind, namespace and name. */
const stored = new Map<string, KubernetesObject>();

async function listersFor(registry: WebhookRegistry): Promise<ListerSource> {
  if (kubeconfig === undefined) return (name) => objectListers([...stored.values()])(name);
  const client = new KubeClient(await loadKubeconfig([kubeconfig]));
  const listers = new InformerListers({ client, registry, log: forwardingLogger({}), clock: systemClock });
  listers.start();
  return listers.source;
}

function keyOf({ apiVersion, kind, metadata }: KubernetesObject): string {
  return JSON.stringify([apiVersion, kind, metadata?.namespace, metadata?.name]);
}

const aborts = new Map<number, AbortController>();

async function answer(
  definition: WebhookDefinition,
  listers: ListerSource,
  { id, text }: Extract<ThreadRequest, { kind: 'review' }>,
): Promise<void> {
  const controller = new AbortController();
  aborts.set(id, controller);
  const { request, ...reply } = await answerReview(definition, text, {
    signal: controller.signal,
    log: forwardingLogger({}),
    listers,
    quotes,
  });
  aborts.delete(id);
  send({ kind: 'answer', id, ...reply, request: request === undefined ? undefined : withoutObjects(request) });
}

/** Who asked what, for logs and figures; objects stay here. */
function withoutObjects(request: AdmissionRequest): AdmissionRequest {
  // The same request with less in it: the union turns on the operation, which stays.
  return { ...request, object: null, oldObject: null, options: null };
}

/** The request was on its way while the files were loaded anew, and its webhook is gone. */
function answerUnknown({ id, webhook }: Extract<ThreadRequest, { kind: 'review' }>): void {
  const status = failureStatus(404, 'NotFound', `webhook ${webhook} is not defined any more`);
  send({
    kind: 'answer',
    id,
    httpStatus: status.code,
    body: JSON.stringify(status),
    outcome: 'fault',
    request: undefined,
  });
}

logStrayRejections(forwardingLogger({}), { quotes });
try {
  const registry = await loadRegistry({ paths, ...selection });
  const listers = await listersFor(registry);
  port.on('message', (message: ThreadRequest) => {
    switch (message.kind) {
      case 'abort':
        return aborts.get(message.id)?.abort();
      case 'forget':
        return stored.clear();
      case 'store':
        return void stored.set(keyOf(message.object), message.object);
      case 'review': {
        const definition = registry.byName(message.webhook);
        return void (definition === undefined ? answerUnknown(message) : answer(definition, listers, message));
      }
    }
  });
  const definitions = [...registry].map(({ handlers: _handlers, dryRunHandlers: _dryRun, ...facts }) => facts);
  send({ kind: 'ready', definitions });
} catch (error) {
  const isOurs = error instanceof SallyportError;
  const problem = isOurs ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  send({ kind: 'failed', problem });
}
