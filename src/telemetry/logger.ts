/**
 * Structured log lines: a constant message and named facts. Never object content, never Secret data.
 *
 * The level order is debug, info, warn, error.
 */
export interface Logger {
  debug(message: string, facts?: LogFacts): void;
  info(message: string, facts?: LogFacts): void;
  warn(message: string, facts?: LogFacts): void;
  error(message: string, facts?: LogFacts): void;
  /** A logger that adds these facts to each of its lines. */
  child(facts: LogFacts): Logger;
}

export interface LogFacts {
  readonly [name: string]: string | number | boolean | null | undefined | readonly string[] | Error;
}

/** Says nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};
