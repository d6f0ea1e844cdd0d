import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LineWriter, RotatingFile, systemClock } from './index.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-log-'));
  path = join(folder, 'decisions.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const line = (text: string): Buffer => Buffer.from(`${text}\n`);

describe('RotatingFile', () => {
  it('adds to a file that is there, and lets only owner and group read a new one', async () => {
    writeFileSync(path, 'before\n');
    const file = new RotatingFile({ path, maxBytes: 1000, maxFiles: 3 });
    await file.append(line('after'));
    await file.close();
    expect(read('decisions.jsonl')).toBe('before\nafter\n');
    const other = new RotatingFile({ path: join(folder, 'new'), maxBytes: 1000, maxFiles: 3 });
    await other.append(line('x'));
    await other.close();
    expect(statSync(join(folder, 'new')).mode & 0o007).toBe(0);
  });

  it('puts full files aside, the newest as .1, and keeps so many and no more', async () => {
    const file = new RotatingFile({ path, maxBytes: 10, maxFiles: 3 });
    for (const text of ['aaaa', 'bbbb', 'cccc', 'dddd', 'eeee', 'ffff', 'gggg']) await file.append(line(text));
    await file.close();
    expect(readdirSync(folder).sort()).toEqual(['decisions.jsonl', 'decisions.jsonl.1', 'decisions.jsonl.2']);
    expect(read('decisions.jsonl')).toBe('gggg\n');
    expect(read('decisions.jsonl.1')).toBe('eeee\nffff\n');
    expect(read('decisions.jsonl.2')).toBe('cccc\ndddd\n');
  });

  it('begins anew when it may keep one file only', async () => {
    const file = new RotatingFile({ path, maxBytes: 10, maxFiles: 1 });
    for (const text of ['aaaa', 'bbbb', 'cccc']) await file.append(line(text));
    await file.close();
    expect(readdirSync(folder)).toEqual(['decisions.jsonl']);
    expect(read('decisions.jsonl')).toBe('cccc\n');
  });

  it('makes the file again when its folder was away', async () => {
    const file = new RotatingFile({ path: join(folder, 'sub', 'log'), maxBytes: 1000, maxFiles: 2 });
    await expect(file.append(line('a'))).rejects.toThrow('ENOENT');
    mkdirSync(join(folder, 'sub'));
    await file.append(line('a'));
    await file.close();
    expect(read('sub/log')).toBe('a\n');
  });

  it.each(['append', 'appendSync'] as const)('%s() begins a new line after one that was torn', async (append) => {
    writeFileSync(path, 'whole\ntor');
    const file = new RotatingFile({ path, maxBytes: 1000, maxFiles: 3 });
    for (const text of ['a', 'b']) await file[append](line(text));
    await file.close();
    expect(read('decisions.jsonl')).toBe('whole\ntor\na\nb\n');
  });

  // /dev/full takes nothing: every write ends as on a disk that is full.
  it('a full disk loses no line that memory can hold, makes nobody wait, and is told', async () => {
    symlinkSync('/dev/full', path);
    const problems: string[] = [];
    let dropped = 0;
    const writer = new LineWriter({
      target: new RotatingFile({ path, maxBytes: 1_000_000, maxFiles: 2 }),
      clock: { ...systemClock, after: (delay, callback) => systemClock.after(delay / 100, callback) },
      maxWaiting: 1000,
      onDrop: () => (dropped += 1),
      onProblem: (problem) => problems.push(problem === undefined ? 'well' : problem.message.slice(0, 6)),
    });
    for (let index = 0; index < 300; index += 1) writer.write(`line ${index + 1000}`);
    await expect.poll(() => problems).toEqual(['ENOSPC']);
    expect(dropped).toBe(200);
    rmSync(path);
    await expect.poll(() => existsSync(path) && read('decisions.jsonl').split('\n').length).toBe(101);
    await expect.poll(() => problems, { timeout: 10_000 }).toEqual(['ENOSPC', 'well']);
    await writer.close();
  });
});
