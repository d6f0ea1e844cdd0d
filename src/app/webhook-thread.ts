import { Worker } from 'node:worker_threads';
import {
  failureStatus,
  withoutWords,
  type ReviewAnswer,
  type WebhookDefinition,
  type WebhookSelection,
} from '../admission/index.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import type { LogFacts, Logger } from '../telemetry/index.ts';
import { WebhookThreadError } from './errors.ts';

/** What the thread is started with. */
export interface ThreadData {
  readonly paths: readonly string[];
  readonly selection: WebhookSelection;
  /** What lines may quote of what a handler threw; see `AnswerOptions`. */
  readonly quotes: 'nothing' | 'objects';
  /**
   * Its handlers are not trusted to come back: it takes a lower priority than the main thread, so that a busy one does not
   * take its time, and ends when it needs more than 256 MiB. Default: false.
   */
  readonly isIsolated?: boolean;
  /** Path of a kubeconfig whose cluster the handlers' listers watch. Default: they find what was stored here. */
  readonly kubeconfig?: string | undefined;
}

export type ThreadRequest =
  | { readonly kind: 'review'; readonly id: number; readonly webhook: string; readonly text: string }
  | { readonly kind: 'abort'; readonly id: number }
  | { readonly kind: 'store'; readonly object: KubernetesObject }
  | { readonly kind: 'forget' };

type DefinitionFacts = Omit<WebhookDefinition, 'handlers' | 'dryRunHandlers'>;

export type ThreadMessage =
  | { readonly kind: 'ready'; readonly definitions: readonly DefinitionFacts[] }
  | { readonly kind: 'failed'; readonly problem: string }
  | {
      readonly kind: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly message: string;
      readonly facts: LogFacts;
    }
  /** The request is without its objects. */
  | ({ readonly kind: 'answer'; readonly id: number } & ReviewAnswer);

/**
 * Users' webhooks in a thread of their own, so that they can be loaded anew when a file changes: a module that was
 * imported once is never forgotten by the thread that imported it.
 */
export class WebhookThread {
  /** What is defined, without the handlers: those stay in the thread. */
  readonly definitions: readonly WebhookDefinition[];
  readonly #worker: Worker;
  readonly #pending = new Map<number, PromiseWithResolvers<ReviewAnswer>>();
  readonly #log: Logger;
  readonly #onEnd: (code: number) => void;
  #nextId = 0;
  #isStopping = false;
  #hasEnded = false;

  private constructor(
    worker: Worker,
    definitions: readonly DefinitionFacts[],
    log: Logger,
    onEnd: (code: number) => void,
    quotes: ThreadData['quotes'],
  ) {
    this.#worker = worker;
    this.#log = log;
    this.#onEnd = onEnd;
    this.definitions = definitions.map((facts) => ({ ...facts, handlers: [], dryRunHandlers: [] }));
    worker.on('message', (message: ThreadMessage) => this.#receive(message));
    worker.on('error', (error: Error) => {
      log.error('the thread of the webhooks died', { error: quotes === 'objects' ? error : withoutWords(error) });
    });
    worker.on('exit', (code) => this.#end(code));
  }

  /**
   * Loads the webhooks in a new thread; `onEnd` is called when it ends without having been stopped.
   * Throws {@link WebhookThreadError} saying which file and line does not load.
   */
  static async start(data: ThreadData, log: Logger, onEnd: (code: number) => void): Promise<WebhookThread> {
    // The build puts this code into dist/chunks/ and the worker's entry beside that folder.
    const entry = import.meta.url.endsWith('.ts') ? './webhook-thread-worker.ts' : '../webhook-thread-worker.js';
    const resourceLimits = data.isIsolated === true ? { maxOldGenerationSizeMb: isolatedMebibytes } : {};
    const worker = new Worker(new URL(entry, import.meta.url), { workerData: data, resourceLimits });
    const ready = Promise.withResolvers<readonly DefinitionFacts[]>();
    const onMessage = (message: ThreadMessage): void => {
      if (message.kind === 'ready') ready.resolve(message.definitions);
      else if (message.kind === 'failed') ready.reject(new WebhookThreadError(message.problem));
    };
    const onError = (cause: Error): void => ready.reject(new WebhookThreadError(cause.message, { cause }));
    const onExit = (): void =>
      ready.reject(new WebhookThreadError('a webhook file ended the process while it was loaded'));
    worker.on('message', onMessage).once('error', onError).once('exit', onExit);
    try {
      const definitions = await ready.promise;
      return new WebhookThread(worker, definitions, log, onEnd, data.quotes);
    } catch (error) {
      await worker.terminate();
      throw error;
    } finally {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
    }
  }

  /** Answers one review in the thread; see `answerReview`. Once the thread has ended, every answer is a fault. */
  async answer(webhook: WebhookDefinition, text: string, signal: AbortSignal): Promise<ReviewAnswer> {
    if (this.#hasEnded) return endedAnswer();
    const id = (this.#nextId += 1);
    const pending = Promise.withResolvers<ReviewAnswer>();
    this.#pending.set(id, pending);
    const abort = (): void => this.#send({ kind: 'abort', id });
    signal.addEventListener('abort', abort, { once: true });
    this.#send({ kind: 'review', id, webhook: webhook.name, text });
    try {
      return await pending.promise;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** The handlers' listers find this object from now on, instead of one of the same kind and name. */
  store(object: KubernetesObject): void {
    this.#send({ kind: 'store', object });
  }

  /** The handlers' listers find nothing any more. */
  forget(): void {
    this.#send({ kind: 'forget' });
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#worker.terminate();
  }

  #send(message: ThreadRequest): void {
    this.#worker.postMessage(message);
  }

  #receive(message: ThreadMessage): void {
    if (message.kind === 'log') return this.#log[message.level](message.message, message.facts);
    if (message.kind !== 'answer') return;
    const { kind: _kind, id, ...answer } = message;
    this.#pending.get(id)?.resolve(answer);
    this.#pending.delete(id);
  }

  #end(code: number): void {
    this.#hasEnded = true;
    for (const { resolve } of this.#pending.values()) resolve(endedAnswer());
    this.#pending.clear();
    if (!this.#isStopping) this.#onEnd(code);
  }
}

const isolatedMebibytes = 256;

function endedAnswer(): ReviewAnswer {
  return faultAnswer(500, 'InternalError', 'the thread of the webhooks has ended');
}

/** A fault that is told outside of the thread, where the review was not read. */
export function faultAnswer(
  code: number,
  reason: 'ServiceUnavailable' | 'InternalError',
  message: string,
): ReviewAnswer {
  const status = failureStatus(code, reason, message);
  const decision = { status, patchOperations: 0, warnings: 0, auditAnnotations: {} };
  return { httpStatus: code, body: JSON.stringify(status), outcome: 'fault', request: undefined, decision };
}
