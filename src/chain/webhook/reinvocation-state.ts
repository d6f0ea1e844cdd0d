import type { JsonObject } from '../../json/json-value.ts';

/**
 * Which mutating webhooks are to be called again, remembered over both passes of one request. Webhooks go by their uid.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/plugin/webhook/mutating/reinvocationcontext.go.
 */
export class WebhookReinvocation {
  /** The object as this plug-in last left it. */
  lastOutput: JsonObject | null = null;
  readonly #previouslyInvoked = new Set<string>();
  readonly #reinvoke = new Set<string>();

  shouldReinvoke(uid: string): boolean {
    return this.#reinvoke.has(uid);
  }

  /** Remembers a webhook that was called and wants to be called again when the object changes after it. */
  addReinvocable(uid: string): void {
    this.#previouslyInvoked.add(uid);
  }

  /** The object has changed: all that were called before are to be called again. */
  requireReinvokingPreviouslyInvoked(): void {
    for (const uid of this.#previouslyInvoked) this.#reinvoke.add(uid);
    this.#previouslyInvoked.clear();
  }
}
