/**
 * Runs `begin`, then waits for SIGINT or SIGTERM. The signal that `begin` got is aborted at the first of them; a second one
 * ends the process as the system would. A `begin` that gives up because it was told to is no fault.
 */
export async function untilInterrupted(begin: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const interrupted = new Promise<void>((resolve) => {
    const interrupt = (): void => {
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
      controller.abort();
      resolve();
    };
    process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  });
  try {
    await begin(controller.signal);
  } catch (error) {
    if (!controller.signal.aborted || !isAbort(error)) throw error;
  }
  await interrupted;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
