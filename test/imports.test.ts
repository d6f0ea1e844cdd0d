import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/**
 * Which folder may import which: the table of docs/ARCHITECTURE.md. `index.ts` and `errors.ts` at the root are the front
 * door and the base of all errors.
 */
const allowed: Readonly<Record<string, readonly string[]>> = {
  json: [],
  telemetry: [],
  api: ['json'],
  cel: ['json', 'api'],
  usage: ['json', 'api'],
  admission: ['json', 'api', 'telemetry'],
  chain: ['json', 'api', 'cel', 'usage', 'telemetry'],
  kube: ['json', 'api', 'telemetry'],
  certs: ['api', 'kube', 'telemetry'],
  server: ['admission', 'certs', 'json', 'api', 'telemetry'],
  quota: ['usage', 'admission', 'kube', 'json', 'api', 'telemetry'],
  registrar: ['admission', 'chain', 'kube', 'api', 'telemetry'],
  sources: ['admission', 'guard', 'api'],
  review: ['sources', 'registrar', 'chain', 'admission', 'kube', 'json', 'api', 'telemetry'],
  guard: ['admission', 'kube', 'json', 'api', 'telemetry'],
  app: [
    'sources',
    'review',
    'json',
    'api',
    'telemetry',
    'cel',
    'usage',
    'admission',
    'chain',
    'kube',
    'certs',
    'server',
    'registrar',
    'quota',
    'guard',
  ],
  testing: [
    'sources',
    'review',
    'json',
    'api',
    'telemetry',
    'cel',
    'usage',
    'admission',
    'chain',
    'kube',
    'certs',
    'server',
    'registrar',
    'quota',
    'guard',
  ],
  cli: [
    'app',
    'testing',
    'sources',
    'review',
    'json',
    'api',
    'telemetry',
    'admission',
    'chain',
    'kube',
    'certs',
    'server',
    'registrar',
    'usage',
    'quota',
    'guard',
  ],
};
/** Tests may use the test kit, and what the kit may use. */
const allowedInTests = ['testing', ...(allowed['testing'] ?? [])];

const source = resolve(import.meta.dirname, '../src');
const files = globSync('**/*.ts', { cwd: source });

function importsOf(file: string): string[] {
  const text = readFileSync(join(source, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].flatMap((match) => match[1] ?? []);
  return specifiers.map((specifier) => relative(source, resolve(source, dirname(file), specifier)));
}

const folderOf = (file: string): string => (file.includes('/') ? (file.split('/')[0] ?? '') : '');

describe('imports point up only', () => {
  it('sees the source', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(importsOf('admission/registry.ts')).toContain('admission/definition.ts');
  });

  it.each([...new Set(files.map(folderOf))].filter((folder) => folder !== ''))('%s', (folder) => {
    expect(Object.keys(allowed), 'a new folder needs a row in the table').toContain(folder);
    const wrong = files
      .filter((file) => folderOf(file) === folder)
      .flatMap((file) => {
        const isTest = file.endsWith('.test.ts');
        // Beside the kit, tests share the stand-ins of the folder test/.
        const mayImport = [folder, '', ...(isTest ? [...allowedInTests, '..'] : []), ...(allowed[folder] ?? [])];
        return importsOf(file)
          .filter(
            (target) => !mayImport.includes(folderOf(target)) || (folderOf(target) === '' && target !== 'errors.ts'),
          )
          .map((target) => `${file} → ${target}`);
      });
    expect(wrong).toEqual([]);
  });
});
