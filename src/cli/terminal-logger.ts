import { styleText } from 'node:util';
import type { LogFacts, Logger } from '../telemetry/index.ts';

const levels = ['debug', 'info', 'warn', 'error'] as const;
type Level = (typeof levels)[number];
const colours = { debug: 'dim', info: 'blue', warn: 'yellow', error: 'red' } as const;

/** Lines for people, on stderr: stdout belongs to results. */
export function terminalLogger(threshold: Level, bound: LogFacts = {}): Logger {
  const at =
    (level: Level) =>
    (message: string, facts: LogFacts = {}) => {
      if (levels.indexOf(level) < levels.indexOf(threshold)) return;
      const shown = Object.entries({ ...bound, ...facts })
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => `${name}=${value instanceof Error ? describe(value, maxCauses) : String(value)}`);
      process.stderr.write(`${styleText(colours[level], level.padEnd(5))} ${[message, ...shown].join(' ')}\n`);
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (facts) => terminalLogger(threshold, { ...bound, ...facts }),
  };
}

/** Errors may name each other as causes in a ring. */
const maxCauses = 5;

/** Stacks, that of the cause too: what a handler threw is the cause of the fault that is told. */
function describe(error: Error, causesLeft: number): string {
  const text = error.stack ?? error.message;
  if (!(error.cause instanceof Error) || causesLeft === 0) return text;
  return `${text}\n  caused by ${describe(error.cause, causesLeft - 1)}`;
}
