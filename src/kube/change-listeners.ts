/** Who wants to hear of a change, in the order they came. */
export class ChangeListeners {
  readonly #listeners = new Set<{ readonly call: () => void }>();
  readonly #onFailure: (error: unknown) => void;

  /** `onFailure` is told what a listener throws. Default: it is thrown where the process sees it. */
  constructor(onFailure: (error: unknown) => void = throwLater) {
    this.#onFailure = onFailure;
  }

  /** Returns how to end it. One function may be added twice, and is then called twice. */
  add(listener: () => void): () => void {
    const entry = { call: listener };
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  /** Calls everyone who listens now. What one throws reaches neither the next nor the caller. */
  notify(): void {
    for (const { call } of [...this.#listeners]) {
      try {
        call();
      } catch (error) {
        this.#onFailure(error);
      }
    }
  }
}

function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
