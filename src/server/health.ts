import type { Health } from '../certs/index.ts';
import type { Logger } from '../telemetry/index.ts';

/** Something that must be well for the server to be asked. Degraded is well enough, and said in the log. */
export interface HealthCheck {
  /** As it stands in the answer: `certificates`, `event-loop`. */
  readonly name: string;
  healthy(): Health;
}

export interface HealthReport {
  readonly isHealthy: boolean;
  /** Plain text. */
  readonly body: string;
}

/**
 * Answers `/livez` and `/readyz` in the words of the API server: `ok`, or with `?verbose` and on failure a line for each check.
 * Reasons stay out of the answer, since anybody may read it; the log has them, once for each change.
 *
 * Other than there, failure is 503: a replica that drains is unavailable, not broken.
 * Source: apiserver v0.37.2 `pkg/server/healthz/healthz.go` handleRootHealth.
 */
export class HealthEndpoint {
  readonly #name: string;
  readonly #checks: readonly HealthCheck[];
  readonly #logger: Logger;
  readonly #last = new Map<string, Health['kind']>();

  /** `name` is `livez` or `readyz`. */
  constructor(name: string, checks: readonly HealthCheck[], logger: Logger) {
    this.#name = name;
    this.#checks = checks;
    this.#logger = logger;
  }

  report(query: string): HealthReport {
    const lines: string[] = [];
    let isHealthy = true;
    for (const check of this.#checks) {
      const health = check.healthy();
      this.#logChange(check.name, health);
      if (health.kind === 'unhealthy') {
        isHealthy = false;
        lines.push(`[-]${check.name} failed: reason withheld`);
      } else {
        lines.push(`[+]${check.name} ok`);
      }
    }
    if (!isHealthy) return { isHealthy, body: [...lines, `${this.#name} check failed\n`].join('\n') };
    const isVerbose = query.split('&').some((parameter) => parameter === 'verbose' || parameter.startsWith('verbose='));
    return { isHealthy, body: isVerbose ? [...lines, `${this.#name} check passed\n`].join('\n') : 'ok' };
  }

  #logChange(check: string, health: Health): void {
    if ((this.#last.get(check) ?? 'healthy') === health.kind) return;
    this.#last.set(check, health.kind);
    if (health.kind === 'healthy') this.#logger.info('health check passes again', { endpoint: this.#name, check });
    else this.#logger.warn(`health check ${health.kind}`, { endpoint: this.#name, check, reason: health.reason });
  }
}
