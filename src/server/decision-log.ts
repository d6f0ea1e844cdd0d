import { mayQuoteSecrets } from '../admission/index.ts';
import type { AuditSink, Clock } from '../telemetry/index.ts';
import { resourceName, type LoggedRequest } from './request-log.ts';

/**
 * One line of JSON for each request to a webhook: who asked what, what was decided, and in which words. None is left out but
 * those of clients that may not call, who must not be able to fill its files.
 *
 * It holds nothing of the object. The words of the webhook's author (the message of a denial, audit annotations) are what the
 * client and the API server's audit log get too; where they may quote a Secret they are left out.
 */
export class DecisionLog {
  readonly #sink: AuditSink;
  readonly #clock: Clock;
  /** The second that `#secondText` says, in milliseconds since the epoch. */
  #second = NaN;
  #secondText = '';

  constructor(sink: AuditSink, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
  }

  write(logged: LoggedRequest): void {
    const { webhook, request, decision, outcome, httpStatus, reason, durationMilliseconds } = logged;
    const status = decision?.status;
    const hasWords = request !== undefined && (outcome === 'fault' || !mayQuoteSecrets(webhook, request));
    const annotations = hasWords && decision !== undefined ? decision.auditAnnotations : {};
    const code = outcome === 'denied' ? status?.code : httpStatus === 200 ? undefined : httpStatus;
    const message = (hasWords || request === undefined ? status?.message : undefined) ?? reason;
    const milliseconds = Math.round(durationMilliseconds * 1000) / 1000;
    // Put together by hand: JSON.stringify of an object takes several times as long, and this is done for each request.
    let line = `{"kind":"Decision","time":"${this.#timestamp(this.#clock.now())}"`;
    line += member('webhook', webhook.name);
    if (request !== undefined) {
      line += member('uid', request.uid) + member('operation', request.operation);
      line += member('resource', resourceName(request));
      if (request.namespace !== '') line += member('namespace', request.namespace);
      if (request.name !== '') line += member('name', request.name);
      if (request.userInfo.username !== undefined) line += member('user', request.userInfo.username);
      if (request.dryRun) line += ',"dryRun":true';
    }
    line += `,"outcome":"${outcome}"`;
    if (code !== undefined) line += `,"code":${code}`;
    if (status?.reason !== undefined) line += member('reason', status.reason);
    if (message !== undefined) line += member('message', message);
    if (decision !== undefined && decision.patchOperations > 0)
      line += `,"patchOperations":${decision.patchOperations}`;
    if (decision !== undefined && decision.warnings > 0) line += `,"warnings":${decision.warnings}`;
    if (!isEmpty(annotations)) line += `,"auditAnnotations":${JSON.stringify(annotations)}`;
    this.#sink.write(`${line},"milliseconds":${milliseconds}}`);
  }

  /** RFC 3339 in UTC with milliseconds, as `Date.prototype.toISOString`, which is asked once a second. */
  #timestamp(now: number): string {
    const millisecond = Math.floor(now) % 1000;
    const second = Math.floor(now) - millisecond;
    if (second !== this.#second) {
      this.#second = second;
      this.#secondText = new Date(second).toISOString().slice(0, -'000Z'.length);
    }
    return `${this.#secondText}${String(millisecond).padStart(3, '0')}Z`;
  }
}

/** What follows another member in the text of an object. `name` needs no escapes. */
function member(name: string, value: string): string {
  return `,"${name}":${JSON.stringify(value)}`;
}

function isEmpty(record: Readonly<Record<string, string>>): boolean {
  for (const _key in record) return false;
  return true;
}
