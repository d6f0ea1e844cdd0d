import { type Logger } from '../telemetry/logger.ts';
import { abortReason } from './abort-reason.ts';
import type { ObjectSet, SourcedObject, SourceProblem } from './object-source.ts';

/** What was found in one unit: a file, or one object of the cluster. */
export type Finding<T> =
  | { readonly kind: 'good'; readonly objects: readonly SourcedObject<T>[] }
  | { readonly kind: 'bad'; readonly problems: readonly Omit<SourceProblem, 'keepsFormer'>[] };

interface Unit<T> {
  /** In force. */
  readonly objects: readonly SourcedObject<T>[];
  readonly problems: readonly SourceProblem[];
}

/** The set that a source gives: of each unit the last good finding, with the problems of the present one. */
export class LastGoodSet<T> {
  readonly #logger: Logger;
  readonly #units = new Map<string, Unit<T>>();
  readonly #listeners = new Set<(set: ObjectSet<T>) => void>();
  readonly #firstSet = Promise.withResolvers<void>();
  #current: ObjectSet<T> | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get current(): ObjectSet<T> | undefined {
    return this.#current;
  }

  unitNames(): string[] {
    return [...this.#units.keys()];
  }

  put(name: string, finding: Finding<T>): void {
    if (finding.kind === 'good') {
      this.#units.set(name, { objects: finding.objects, problems: [] });
      return;
    }
    const before = this.#units.get(name);
    const objects = before?.objects ?? [];
    const problems = finding.problems.map((problem) => ({ ...problem, keepsFormer: objects.length > 0 }));
    for (const problem of problems) {
      const isNew = before?.problems.every(
        ({ origin, message }) => origin !== problem.origin || message !== problem.message,
      );
      if (isNew ?? true) this.#logger.warn('object refused', { ...problem });
    }
    this.#units.set(name, { objects, problems });
  }

  remove(name: string): void {
    this.#units.delete(name);
  }

  /** Makes what was put and removed the current set, and tells the listeners. */
  publish(): void {
    const units = [...this.#units].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, unit]) => unit);
    const set = {
      objects: units.flatMap(({ objects }) => objects),
      problems: units.flatMap(({ problems }) => problems),
    };
    this.#current = set;
    for (const listener of [...this.#listeners]) this.#tell(listener, set);
    this.#firstSet.resolve();
  }

  subscribe(listener: (set: ObjectSet<T>) => void): () => void {
    this.#listeners.add(listener);
    if (this.#current !== undefined) this.#tell(listener, this.#current);
    return () => this.#listeners.delete(listener);
  }

  clearListeners(): void {
    this.#listeners.clear();
  }

  async waitForFirst(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { promise, reject } = Promise.withResolvers<never>();
    const abort = () => reject(abortReason(signal));
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await Promise.race([this.#firstSet.promise, promise]);
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  #tell(listener: (set: ObjectSet<T>) => void, set: ObjectSet<T>): void {
    try {
      listener(set);
    } catch (error) {
      this.#logger.error('listener of an object source failed', { error: error instanceof Error ? error : undefined });
    }
  }
}
