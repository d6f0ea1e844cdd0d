import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, string | { 'sallyport-source': string; types: string; default: string }>;
};
const entries = Object.entries(exports).filter(([name]) => name !== './package.json');

describe('package.json exports', () => {
  it.each(entries)('%s has its source, types and output at one place', (_name, target) => {
    if (typeof target === 'string') throw new Error(`expected conditions, got ${target}`);
    const place = /^\.\/src\/(.+)\.ts$/.exec(target['sallyport-source'])?.[1];
    expect(globSync(`src/${place}.ts`, { cwd: root })).toHaveLength(1);
    expect(target).toMatchObject({ types: `./dist/${place}.d.ts`, default: `./dist/${place}.js` });
  });

  it.each(entries)('%s only re-exports, and can be imported', async (_name, target) => {
    if (typeof target === 'string') throw new Error(`expected conditions, got ${target}`);
    const file = join(root, target['sallyport-source']);
    const statements = readFileSync(file, 'utf8')
      .replaceAll(/\/\*[\s\S]*?\*\//g, '')
      .split(';')
      .map((text) => text.trim());
    for (const statement of statements.filter((text) => text !== ''))
      expect(statement).toMatch(/^export\b[\s\S]*from '\.\/[^']+'$/);
    const names = Object.keys((await import(file)) as object);
    expect(names.length).toBeGreaterThan(0);
  });
});
