import type { Agent, Dispatcher } from 'undici';
import { z } from 'zod';
import type { Clock } from '../../telemetry/index.ts';
import type { GuardHook, HookCall, HookReport } from '../hook.ts';
import { GuardHookError } from './hook-error.ts';
import { placeholder, type HttpHookSpec } from './hook-spec.ts';
import { signatureHeaders } from './signature.ts';

export interface HttpHookOptions {
  readonly spec: HttpHookSpec;
  /** The text that signs calls; undefined when the spec asks for no signature. Asked for at each call. */
  readonly secret: (signal: AbortSignal) => Promise<string | undefined>;
  readonly clock: Clock;
}

type Action = 'start' | 'status' | 'undo';

/** An answer has a phase and a sentence; whatever is longer is none. */
const maxAnswerBytes = 64 * 1024;
const maxMessageLength = 512;

const reportSchema = z.looseObject({
  phase: z.enum(['Running', 'Done', 'Failed', 'Unknown']),
  message: z.string().optional(),
});

/**
 * A clean-up over HTTP: `POST <url>/start`, `GET <url>/status`, `POST <url>/undo`.
 *
 * Every call carries `Idempotency-Key`, and the headers of Standard Webhooks where a Secret is named. The POSTs have a
 * JSON body: action, key, attempt, guard, requester, verb, deadline (RFC 3339) and the Pod's namespace, name, uid,
 * labels, ip and node. Any 2xx is a yes. `status` is answered by 200 and `{"phase": "Running" | "Done" | "Failed" |
 * "Unknown", "message": "…"}`, or by 404 for `Unknown`. Redirects are not followed: a signed call goes where the guard's
 * author said.
 *
 * Throws {@link GuardHookError} for everything else.
 */
export class HttpHook implements GuardHook {
  readonly #options: HttpHookOptions;
  #agent: Agent | undefined;

  constructor(options: HttpHookOptions) {
    this.#options = options;
  }

  async start(call: HookCall): Promise<void> {
    await this.#post('start', call);
  }

  async status(call: HookCall): Promise<HookReport> {
    const { what, statusCode, body } = await this.#send('status', call, '');
    if (statusCode === 404) return { phase: 'Unknown' };
    if (statusCode !== 200) throw new GuardHookError(`${what}: HTTP ${statusCode}; expected 200, or 404 for Unknown`);
    const parsed = reportSchema.safeParse(parseJson(body));
    if (!parsed.success) {
      throw new GuardHookError(
        `${what}: expected JSON such as {"phase": "Running"} with Running, Done, Failed or Unknown`,
      );
    }
    const { phase, message } = parsed.data;
    return { phase, message: message?.slice(0, maxMessageLength) };
  }

  async undo(call: HookCall): Promise<void> {
    await this.#post('undo', call);
  }

  /** Ends the connections that are kept open. */
  async close(): Promise<void> {
    await this.#agent?.destroy();
  }

  async #post(action: 'start' | 'undo', call: HookCall): Promise<void> {
    const { metadata = {}, spec, status } = call.pod;
    const body = JSON.stringify({
      action,
      key: call.idempotencyKey,
      attempt: call.attempt,
      guard: call.guard,
      requester: call.requester,
      verb: call.verb,
      deadline: new Date(call.deadline).toISOString(),
      pod: {
        namespace: metadata.namespace,
        name: metadata.name,
        uid: metadata.uid,
        labels: metadata.labels ?? {},
        ip: status?.podIP,
        node: spec?.nodeName,
      },
    });
    const { what, statusCode } = await this.#send(action, call, body);
    if (statusCode < 200 || statusCode > 299) throw new GuardHookError(`${what}: HTTP ${statusCode}; expected 2xx`);
  }

  async #send(
    action: Action,
    call: HookCall,
    body: string,
  ): Promise<{ readonly what: string; readonly statusCode: number; readonly body: string }> {
    const { spec, secret, clock } = this.#options;
    const method = action === 'status' ? 'GET' : 'POST';
    const url = `${fill(spec.url, call).replace(/\/$/, '')}/${action}`;
    const what = `${method} ${url}`;
    const signal = AbortSignal.any([call.signal, AbortSignal.timeout(spec.timeoutSeconds * 1000)]);
    const key = await secret(call.signal);
    const signed = { id: `${call.idempotencyKey}/${action}`, timestampSeconds: Math.floor(clock.now() / 1000), body };
    const headers = {
      accept: 'application/json',
      'idempotency-key': call.idempotencyKey,
      'user-agent': 'sallyport-guard',
      ...(body === '' ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : signatureHeaders(key, signed)),
    };
    const { request } = await import('undici');
    const dispatcher = await this.#dispatcher();
    try {
      const response = await request(url, { method, headers, dispatcher, signal, ...(body === '' ? {} : { body }) });
      return { what, statusCode: response.statusCode, body: await response.body.text() };
    } catch (cause) {
      if (call.signal.aborted) throw call.signal.reason;
      const reason = signal.aborted ? `no answer within ${spec.timeoutSeconds} s` : describe(cause);
      throw new GuardHookError(`${what}: ${reason}`, { cause });
    }
  }

  async #dispatcher(): Promise<Dispatcher> {
    if (this.#agent !== undefined) return this.#agent;
    const { caBundle } = this.#options.spec;
    const { Agent } = await import('undici');
    this.#agent ??= new Agent({
      connect: caBundle === undefined ? {} : { ca: Buffer.from(caBundle, 'base64').toString() },
      maxResponseSize: maxAnswerBytes,
    });
    return this.#agent;
  }
}

function fill(url: string, { pod }: HookCall): string {
  return url.replaceAll(placeholder, (_match, name: string) => {
    if (name === 'podIP') {
      const ip = pod.status?.podIP ?? '';
      if (ip === '') throw new GuardHookError(`${url}: the Pod has no IP address yet`);
      return ip.includes(':') ? `[${ip}]` : ip;
    }
    return (name === 'name' ? pod.metadata?.name : pod.metadata?.namespace) ?? '';
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Node puts the failures of each tried address into an AggregateError with an empty message. */
function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map((each: unknown) => describe(each)).join('; ');
  return error instanceof Error ? error.message : String(error);
}
