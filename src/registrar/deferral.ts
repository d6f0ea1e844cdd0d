import type { WebhookConfiguration } from '../api/webhook-configuration.ts';

/** On a configuration: somebody asks whether who registered it is still there. Whoever wants what it says takes it off. */
export const challengeAnnotation = 'sallyport.dev/is-its-registrar-there';

/** The field manager of that annotation alone, so that setting and removing it touches nothing else. */
export const challengeManager = 'sallyport-challenge';

/**
 * So long one waits before asking, and so long for the answer: twice the interval of the passes, which find what a watch
 * missed. An ordinary rollout is over before that, and nothing is asked.
 */
const patienceMilliseconds = 60_000;

/**
 * How long to leave a configuration to a newer replica, which may be gone: killed, with its rollout undone, so that nobody
 * serves what it registered. It cannot say so itself; so it is asked, by an annotation on the configuration, and whoever
 * does not answer in time decides no more. Nothing is written while all replicas agree.
 *
 * Times are of this process's own monotonic clock, and begin anew after every failure: an API server that is away
 * silences everybody.
 */
export class Deferral {
  #to: string | undefined;
  #since = 0;
  #askedSince: number | undefined;

  /** `left`: goes on waiting. `ask`: the time has come to challenge. `silent`: nobody has answered; the configuration is free. */
  judge(current: WebhookConfiguration, newer: string, now: number): 'left' | 'ask' | 'silent' {
    const isAsked = current.metadata?.annotations?.[challengeAnnotation] !== undefined;
    if (this.#to !== newer || (!isAsked && this.#askedSince !== undefined)) {
      this.#to = newer;
      this.#since = now;
      this.#askedSince = undefined;
    }
    if (isAsked) {
      this.#askedSince ??= now;
      return now - this.#askedSince >= patienceMilliseconds ? 'silent' : 'left';
    }
    return now - this.#since >= patienceMilliseconds ? 'ask' : 'left';
  }

  reset(): void {
    this.#to = undefined;
    this.#askedSince = undefined;
  }
}
