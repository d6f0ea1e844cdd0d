import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(resolve(root, file), 'utf8');

const declared = [...read('src/errors.ts').matchAll(/\| '(SALLYPORT_[A-Z_]+)'/g)].map((match) => match[1]);
const documented = [...read('docs/errors.md').matchAll(/^\| `(SALLYPORT_[A-Z_]+)` +\| `(\w+)` +\|/gm)];

it('every error code is documented, and every documented one exists', () => {
  expect(declared.length).toBeGreaterThan(5);
  expect(documented.map((match) => match[1])).toEqual([...declared].sort());
});

it('every documented class throws under its code', () => {
  const sources = globSync('src/**/*.ts', { cwd: root }).map(read).join('\n');
  for (const [, code, className] of documented) {
    const body = new RegExp(`class ${className} extends[\\s\\S]*?\\n}`).exec(sources)?.[0];
    expect(body, `${className} of ${code}`).toContain(`'${code}'`);
  }
});
