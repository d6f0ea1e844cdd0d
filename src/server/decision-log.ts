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

  constructor(sink: AuditSink, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
  }

  write(logged: LoggedRequest): void {
    const { webhook, request, decision, outcome, httpStatus, reason, durationMilliseconds } = logged;
    const status = decision?.status;
    const hasWords = request !== undefined && (outcome === 'fault' || !mayQuoteSecrets(webhook, request));
    const annotations = hasWords && decision !== undefined ? decision.auditAnnotations : {};
    this.#sink.write(
      JSON.stringify({
        kind: 'Decision',
        time: new Date(this.#clock.now()).toISOString(),
        webhook: webhook.name,
        uid: request?.uid,
        operation: request?.operation,
        resource: request === undefined ? undefined : resourceName(request),
        namespace: request?.namespace === '' ? undefined : request?.namespace,
        name: request?.name === '' ? undefined : request?.name,
        user: request?.userInfo.username,
        dryRun: request?.dryRun === true ? true : undefined,
        outcome,
        code: outcome === 'denied' ? status?.code : httpStatus === 200 ? undefined : httpStatus,
        reason: status?.reason,
        message: (hasWords || request === undefined ? status?.message : undefined) ?? reason,
        patchOperations: decision?.patchOperations === 0 ? undefined : decision?.patchOperations,
        warnings: decision?.warnings === 0 ? undefined : decision?.warnings,
        auditAnnotations: isEmpty(annotations) ? undefined : annotations,
        milliseconds: Math.round(durationMilliseconds * 1000) / 1000,
      }),
    );
  }
}

function isEmpty(record: Readonly<Record<string, string>>): boolean {
  for (const _key in record) return false;
  return true;
}
