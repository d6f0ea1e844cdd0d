import type { Logger } from '../telemetry/index.ts';

/**
 * Logs promises of users' code that are rejected while nobody waits for them, where Node would end the process: a handler
 * that awaits the second of two promises too late, or forgot to, must not take all the others along. What the handler
 * itself returns is not meant; see `admit`. Returns how to end it.
 */
export function logStrayRejections(log: Logger): () => void {
  const onRejection = (reason: unknown): void => {
    const error = reason instanceof Error ? reason : new Error(`rejected with a ${typeof reason}`);
    log.error('a promise was rejected and nobody was waiting for it', { error });
  };
  process.on('unhandledRejection', onRejection);
  return () => process.off('unhandledRejection', onRejection);
}
