import { pino, type Logger as Pino } from 'pino';
import type { LogFacts, Logger } from './logger.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface PinoLoggerOptions {
  /** Lines below it are not written. Default `info`. */
  readonly level?: LogLevel;
  /** Where lines go, each without its line break. */
  readonly sink: { write(line: string): void };
}

/**
 * Log lines as JSON: `{"level":"info","time":"2026-11-23T18:00:00.000Z",…facts,"message":"…"}`.
 *
 * An error among the facts is written with its class, message, code, stack and causes, and nothing else of it: whatever an
 * error carries in other fields (a request, a response, an object) stays out of the log.
 */
export function pinoLogger({ level = 'info', sink }: PinoLoggerOptions): Logger {
  const options = {
    level,
    messageKey: 'message',
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return new PinoLogger(pino(options, { write: (text) => sink.write(text.slice(0, -1)) }), undefined);
}

/** Children only remember their facts: pino's own cost more to make than most of them ever write. */
class PinoLogger implements Logger {
  readonly #pino: Pino;
  readonly #facts: LogFacts | undefined;

  constructor(pinoInstance: Pino, facts: LogFacts | undefined) {
    this.#pino = pinoInstance;
    this.#facts = facts;
  }

  debug(message: string, facts?: LogFacts): void {
    if (this.#pino.isLevelEnabled('debug')) this.#pino.debug(this.#fields(facts), message);
  }

  info(message: string, facts?: LogFacts): void {
    if (this.#pino.isLevelEnabled('info')) this.#pino.info(this.#fields(facts), message);
  }

  warn(message: string, facts?: LogFacts): void {
    if (this.#pino.isLevelEnabled('warn')) this.#pino.warn(this.#fields(facts), message);
  }

  error(message: string, facts?: LogFacts): void {
    if (this.#pino.isLevelEnabled('error')) this.#pino.error(this.#fields(facts), message);
  }

  child(facts: LogFacts): Logger {
    return new PinoLogger(this.#pino, { ...this.#facts, ...facts });
  }

  #fields(facts: LogFacts | undefined): Record<string, unknown> {
    const fields: Record<string, unknown> = { ...this.#facts, ...facts };
    for (const name in fields) {
      const value = fields[name];
      if (value instanceof Error) fields[name] = describeError(value, maxCauses);
      else if (typeof value === 'object' && value !== null) fields[name] = withoutObjects(value);
    }
    return fields;
  }
}

/** Facts are words and numbers. An object that somebody hands in all the same may be the one under review. */
function withoutObjects(value: object): unknown {
  if (!Array.isArray(value)) return notWritten;
  return value.map((element: unknown) => (typeof element === 'object' && element !== null ? notWritten : element));
}

const notWritten = '[an object, which is not written]';

/** Errors may name each other as causes in a ring. */
const maxCauses = 5;

function describeError(error: Error, causesLeft: number): Record<string, unknown> {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return {
    type: error.name,
    message: error.message,
    ...(code !== undefined && { code }),
    stack: error.stack,
    ...(error.cause instanceof Error && causesLeft > 0 && { cause: describeError(error.cause, causesLeft - 1) }),
  };
}
