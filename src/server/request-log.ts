import type { AdmissionRequest, DecisionFacts, WebhookDefinition } from '../admission/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { RequestOutcome } from './observer.ts';

/** Which requests get a line: all, none, or all denials and faults and a sample of the rest. */
export type RequestLogExtent = 'All' | 'Sampled' | 'Off';

export interface LoggedRequest {
  readonly webhook: WebhookDefinition;
  readonly request: AdmissionRequest | undefined;
  /** `refused`: before its body was read. */
  readonly outcome: RequestOutcome | 'refused';
  readonly httpStatus: number | undefined;
  /** On the monotonic clock. */
  readonly end: number;
  readonly durationMilliseconds: number;
  /** Why it was turned away or given up. */
  readonly reason: string | undefined;
  readonly decision: DecisionFacts | undefined;
}

/** Lines a second that are written for one outcome before sampling begins, and one of how many is written after. */
const unsampledPerSecond = 20;
const sampledOneOf = 100;

/**
 * One structured line for each request: who was asked about what, how it ended, how long it took. Never the object.
 *
 * Denials and faults are always written. Of the rest, which comes by the thousand, the first of each second and then one of a
 * hundred; that one says how many it stands for. Source of the scheme: go.uber.org/zap `zapcore/sampler.go`.
 */
export class RequestLog {
  readonly #logger: Logger;
  readonly #extent: RequestLogExtent;
  readonly #counts = new Map<LoggedRequest['outcome'], { second: number; lines: number }>();

  constructor(logger: Logger, extent: RequestLogExtent) {
    this.#logger = logger;
    this.#extent = extent;
  }

  write({ webhook, request, outcome, httpStatus, durationMilliseconds, end, reason }: LoggedRequest): void {
    const isCertain = outcome === 'denied' || outcome === 'fault' || this.#extent === 'All';
    const standsFor = this.#extent === 'Off' ? 0 : isCertain ? 1 : this.#sample(outcome, end);
    if (standsFor === 0) return;
    this.#logger.info('request', {
      webhook: webhook.name,
      outcome,
      ...(request !== undefined && {
        uid: request.uid,
        operation: request.operation,
        resource: resourceName(request),
        namespace: request.namespace,
        name: request.name,
        dryRun: request.dryRun,
      }),
      ...(httpStatus !== undefined && { code: httpStatus }),
      ...(reason !== undefined && { reason }),
      milliseconds: Math.round(durationMilliseconds * 1000) / 1000,
      ...(standsFor > 1 && { standsFor }),
    });
  }

  #sample(outcome: LoggedRequest['outcome'], now: number): number {
    const second = Math.floor(now / 1000);
    let count = this.#counts.get(outcome);
    if (count === undefined) this.#counts.set(outcome, (count = { second, lines: 0 }));
    if (count.second !== second) {
      count.second = second;
      count.lines = 0;
    }
    count.lines += 1;
    if (count.lines <= unsampledPerSecond) return 1;
    return (count.lines - unsampledPerSecond) % sampledOneOf === 0 ? sampledOneOf : 0;
  }
}

/** `pods`, `deployments.apps`, `pods/eviction`: as kubectl names it. */
export function resourceName({ resource: { group, resource }, subResource }: AdmissionRequest): string {
  const name = group === '' ? resource : `${resource}.${group}`;
  return subResource === '' ? name : `${name}/${subResource}`;
}
