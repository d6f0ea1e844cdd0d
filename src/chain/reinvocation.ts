/**
 * What the mutating plug-ins of one request remember between the first pass and the second.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/attributes.go, reinvocationContext.
 */
export class ReinvocationContext {
  readonly #values = new Map<string, unknown>();
  #isReinvoke = false;
  #shouldReinvoke = false;

  /** True in the second pass. */
  get isReinvoke(): boolean {
    return this.#isReinvoke;
  }

  /** True once a plug-in asked for a second pass. */
  get shouldReinvoke(): boolean {
    return this.#shouldReinvoke;
  }

  /** Asks that all mutating plug-ins run once more; without effect in the second pass. */
  requestReinvocation(): void {
    this.#shouldReinvoke = true;
  }

  /** Only the chain calls this, between the passes. */
  startReinvocation(): void {
    this.#isReinvoke = true;
  }

  /** The value `plugin` keeps for this request, made by `create` when it first asks. One plug-in, one type. */
  valueOf<Value>(plugin: string, create: () => Value): Value {
    if (!this.#values.has(plugin)) this.#values.set(plugin, create());
    // Only `plugin` itself writes under its name, always with the same `create`.
    return this.#values.get(plugin) as Value;
  }
}
