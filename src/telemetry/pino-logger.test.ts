import { describe, expect, it } from 'vitest';
import type { LogFacts } from './index.ts';
import { pinoLogger, type LogLevel } from './pino-logger.ts';

function setUp(level?: LogLevel) {
  const lines: Record<string, unknown>[] = [];
  const sink = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
  return { lines, log: pinoLogger({ sink, ...(level !== undefined && { level }) }) };
}

describe('pinoLogger()', () => {
  it('writes JSON lines with level, time, facts and message', () => {
    const { lines, log } = setUp();
    log.info('request', { webhook: 'a.example.com', code: 200, names: ['a'], none: undefined });
    expect(lines).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
        webhook: 'a.example.com',
        code: 200,
        names: ['a'],
        message: 'request',
      },
    ]);
  });

  it.each([
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
  ] satisfies [LogLevel, string[]][])('at level %s writes %j', (level, expected) => {
    const { lines, log } = setUp(level);
    log.debug('a');
    log.info('a');
    log.warn('a');
    log.error('a');
    expect(lines.map((line) => line['level'])).toEqual(expected);
  });

  it('gives the facts of a child to each of its lines', () => {
    const { lines, log } = setUp();
    const child = log.child({ webhook: 'a', uid: '1' }).child({ uid: '2' });
    child.warn('slow', { milliseconds: 5 });
    log.info('other');
    expect(lines).toMatchObject([{ webhook: 'a', uid: '2', milliseconds: 5 }, { message: 'other' }]);
    expect(lines[1]).not.toHaveProperty('webhook');
  });

  it('writes of an error its class, message, code, stack and causes, and nothing else that hangs on it', () => {
    const { lines, log } = setUp();
    const cause = Object.assign(new TypeError('inner'), { response: { body: 'secret' } });
    const error = Object.assign(new Error('outer', { cause }), { code: 'E_CODE', object: { data: 'secret' } });
    log.error('failed', { error });
    expect(lines[0]?.['error']).toEqual({
      type: 'Error',
      message: 'outer',
      code: 'E_CODE',
      stack: expect.stringContaining('pino-logger.test.ts') as string,
      cause: { type: 'TypeError', message: 'inner', stack: expect.any(String) as string },
    });
    expect(JSON.stringify(lines)).not.toContain('secret');
  });

  it('writes no object, whatever a handler in plain JavaScript hands in', () => {
    const { lines, log } = setUp();
    const facts = { object: { data: 'secret' }, list: ['a', { data: 'secret' }], none: null } as unknown as LogFacts;
    log.info('odd', facts);
    const notWritten = '[an object, which is not written]';
    expect(lines[0]).toMatchObject({ object: notWritten, list: ['a', notWritten], none: null });
    expect(JSON.stringify(lines)).not.toContain('secret');
  });

  it('ends with errors that cause each other', () => {
    const { lines, log } = setUp();
    const error: Error & { cause?: unknown } = new Error('ring');
    error.cause = error;
    log.error('failed', { error });
    expect(lines).toHaveLength(1);
  });
});
