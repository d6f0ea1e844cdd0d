import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LineWriter, StandardOutput, systemClock } from './index.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-out-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Both ends of a pipe. As a container's standard output is: a write of its own would block. */
function openPipe(): { readonly reader: number; readonly pipe: number } {
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reader, pipe: openSync(path, constants.O_WRONLY) };
}

describe('StandardOutput', () => {
  it('writes into a file as it stands', async () => {
    const path = join(folder, 'out');
    const file = openSync(path, 'a');
    const output = new StandardOutput(file);
    await output.append(Buffer.from('a\n'));
    output.appendSync(Buffer.from('b\n'));
    await output.close();
    closeSync(file);
    expect(readFileSync(path, 'utf8')).toBe('a\nb\n');
  });

  it('makes nobody wait for a reader that stands still, and goes on when it reads', async () => {
    const { reader, pipe } = openPipe();
    let dropped = 0;
    const writer = new LineWriter({
      target: new StandardOutput(pipe),
      clock: systemClock,
      maxWaiting: 500_000,
      onDrop: () => (dropped += 1),
    });
    const text = 'x'.repeat(999);
    for (let index = 0; index < 1000; index += 1) writer.write(text);
    expect(dropped).toBe(500);
    let received = 0;
    const buffer = Buffer.alloc(65_536);
    const drain = (): number => {
      try {
        received += readSync(reader, buffer);
      } catch {
        // Nothing there at this moment.
      }
      return received;
    };
    await expect.poll(drain, { interval: 1, timeout: 10_000 }).toBe(500_000);
    await writer.close();
    closeSync(pipe);
    closeSync(reader);
  });

  it('ends while nobody reads', async () => {
    const { reader, pipe } = openPipe();
    let dropped = 0;
    const writer = new LineWriter({
      target: new StandardOutput(pipe),
      clock: { ...systemClock, after: (delay, callback) => systemClock.after(delay / 100, callback) },
      onDrop: () => (dropped += 1),
    });
    for (let index = 0; index < 200; index += 1) writer.write('x'.repeat(999));
    await writer.close();
    expect(dropped).toBe(200);
    closeSync(pipe);
    closeSync(reader);
  });

  it('writes nothing after its end, when the number of its file may be that of another', async () => {
    const { reader, pipe } = openPipe();
    const output = new StandardOutput(pipe);
    // More than a pipe holds.
    const writing = output.append(Buffer.alloc(200_000));
    const refused = expect(writing).rejects.toThrow('closed');
    const buffer = Buffer.alloc(1);
    const hasBegun = (): boolean => {
      try {
        return readSync(reader, buffer) === 1;
      } catch {
        return false;
      }
    };
    await expect.poll(hasBegun, { interval: 1, timeout: 10_000 }).toBe(true);
    await output.close();
    const other = openSync(join(folder, 'other'), 'w');
    await refused;
    expect(readFileSync(join(folder, 'other'))).toHaveLength(0);
    for (const file of [other, pipe, reader]) closeSync(file);
  });
});
