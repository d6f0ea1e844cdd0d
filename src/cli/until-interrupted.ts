/**
 * Runs `begin`, then waits for SIGINT or SIGTERM. The signal that `begin` got is aborted at the first of them; a second one
 * ends the process as the system would.
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
  await begin(controller.signal);
  await interrupted;
}
