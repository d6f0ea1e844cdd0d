import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Runs `code` in a process that logs strays to standard output. */
function run(quotes: 'nothing' | 'objects', code: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const script = `
import { endOnException, logStrayRejections } from './stray-rejections.ts';
import { pinoLogger } from '../telemetry/pino-logger.ts';
const log = pinoLogger({ sink: { write: (line) => console.log(line) } });
logStrayRejections(log, { quotes: '${quotes}' });
endOnException(log);
${code}
`;
  const args = ['--input-type=module', '--conditions=sallyport-source', '--eval', script];
  return new Promise((done) => {
    execFile(process.execPath, args, { cwd: resolve(import.meta.dirname) }, (error, stdout, stderr) =>
      done({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });
}

describe('logStrayRejections()', () => {
  it.each([
    ['nothing', false],
    ['objects', true],
  ] as const)('lets the process live, and quotes %s', async (quotes, isQuoted) => {
    const { code, stdout, stderr } = await run(
      quotes,
      `Promise.reject(new RangeError('Kanarie')); setTimeout(() => console.log('still here'), 10);`,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('"type":"RangeError"');
    expect(stdout).toContain('still here');
    expect(stdout.includes('Kanarie')).toBe(isQuoted);
  });
});

describe('endOnException()', () => {
  it('ends the process, and says where it was and not what it said', async () => {
    const { code, stdout, stderr } = await run(
      'nothing',
      `setTimeout(() => { throw new RangeError('Kanarie'); }, 1); setTimeout(() => console.log('still here'), 1000);`,
    );
    expect(code).toBe(1);
    expect(stdout).toContain('an exception was thrown where nobody catches it');
    expect(stdout).toMatch(/"stack":"RangeError: \[withheld\]\\n +at /);
    expect(stdout + stderr).not.toContain('Kanarie');
    expect(stdout).not.toContain('still here');
  });
});
