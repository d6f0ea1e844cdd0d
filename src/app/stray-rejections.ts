import { withoutWords } from '../admission/index.ts';
import type { Logger } from '../telemetry/index.ts';

/**
 * Logs promises of users' code that are rejected while nobody waits for them, where Node would end the process: a handler
 * that awaits the second of two promises too late, or forgot to, must not take all the others along. What the handler
 * itself returns is not meant; see `admit`. Returns how to end it.
 *
 * Which request it was about nobody knows, so its words are kept out of the log unless that may quote objects.
 */
export function logStrayRejections(log: Logger, { quotes }: { readonly quotes: 'nothing' | 'objects' }): () => void {
  const onRejection = (reason: unknown): void => {
    const error = reason instanceof Error ? reason : new Error(`rejected with a ${typeof reason}`);
    const message = 'a promise was rejected and nobody was waiting for it';
    log.error(message, { error: quotes === 'objects' ? error : withoutWords(error) });
  };
  process.on('unhandledRejection', onRejection);
  return () => process.off('unhandledRejection', onRejection);
}

/**
 * Logs an exception that nobody catches, without its words, and ends the process as Node would: after it nothing is certain.
 * Node itself would print the words. Returns how to end it.
 */
export function endOnException(log: Logger): () => void {
  const onException = (reason: unknown): void => {
    const error = reason instanceof Error ? withoutWords(reason) : undefined;
    log.error('an exception was thrown where nobody catches it; the process ends', { error });
    process.exit(1);
  };
  process.on('uncaughtException', onException);
  return () => process.off('uncaughtException', onException);
}
