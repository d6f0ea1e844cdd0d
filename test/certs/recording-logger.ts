import { inspect } from 'node:util';
import type { LogFacts, Logger } from '../../src/telemetry/index.ts';

type Level = 'debug' | 'info' | 'warn' | 'error';

/** Keeps everything that was logged, as text with every fact and cause. */
export class RecordingLogger implements Logger {
  readonly #lines: { readonly level: Level; readonly text: string }[] = [];

  debug(message: string, facts?: LogFacts): void {
    this.#write('debug', message, facts);
  }

  info(message: string, facts?: LogFacts): void {
    this.#write('info', message, facts);
  }

  warn(message: string, facts?: LogFacts): void {
    this.#write('warn', message, facts);
  }

  error(message: string, facts?: LogFacts): void {
    this.#write('error', message, facts);
  }

  child(): Logger {
    return this;
  }

  lines(level: Level): string[] {
    return this.#lines.filter((line) => line.level === level).map(({ text }) => text);
  }

  /** All lines of all levels. */
  text(): string {
    return this.#lines.map(({ text }) => text).join('\n');
  }

  #write(level: Level, message: string, facts: LogFacts | undefined): void {
    this.#lines.push({ level, text: `${message} ${inspect(facts, { depth: 10, showHidden: true })}` });
  }
}
