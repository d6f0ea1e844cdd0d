/** How one part is stopped. Called once. */
export type Stop = () => void | Promise<void>;

/**
 * Stops parts one after the other, each whatever became of those before it: what is left open keeps a process alive, or its
 * place taken. Rejects at the end with what went wrong: the one error, or an AggregateError of several.
 */
export async function stopInTurn(...stops: readonly Stop[]): Promise<void> {
  const errors: unknown[] = [];
  for (const stop of stops) {
    try {
      await stop();
    } catch (error) {
      errors.push(error);
    }
  }
  throwAll(errors);
}

/** The same, all at once. */
export async function stopTogether(...stops: readonly Stop[]): Promise<void> {
  const results = await Promise.allSettled(stops.map(async (stop) => stop()));
  throwAll(results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : [])));
}

/** What has been opened so far, to be stopped in the opposite order. */
export class OpenParts {
  readonly #stops: Stop[] = [];

  onStop(stop: Stop): void {
    this.#stops.push(stop);
  }

  async stop(): Promise<void> {
    await stopInTurn(...this.#stops.splice(0).reverse());
  }
}

function throwAll(errors: readonly unknown[]): void {
  const [first] = errors;
  if (errors.length === 0) return;
  if (errors.length === 1) throw first;
  const messages = errors.map((error) => (error instanceof Error ? error.message : String(error)));
  throw new AggregateError(errors, messages.join('; '), { cause: first });
}
