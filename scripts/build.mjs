// Builds dist/: declarations by the compiler, one file for each source, and code bundled into few files, so that a command
// starts quickly. All entries come out of one bundling and share their chunks: whoever imports `sallyport` in a webhook
// gets the same classes as the command that loads it.
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { rolldown } from 'rolldown';

/** @type {{ dependencies: Record<string, string>, exports: Record<string, string | Record<string, string>> }} */
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));

rmSync('dist', { recursive: true, force: true });
const compiled = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit', shell: false });
if (compiled.status !== 0) process.exit(compiled.status ?? 1);

const entries = Object.values(manifest.exports).flatMap((target) => {
  const source = typeof target === 'string' ? undefined : target['sallyport-source'];
  return source === undefined ? [] : [source.replace(/^\.\/src\//, '').replace(/\.ts$/, '')];
});
const bundle = await rolldown({
  input: {
    ...Object.fromEntries(entries.map((entry) => [entry, `src/${entry}.ts`])),
    'cli/main': 'src/cli/main.ts',
    'webhook-thread-worker': 'src/app/webhook-thread-worker.ts',
  },
  platform: 'node',
  // What the package depends on stays outside; what it only builds with is put in.
  external: [/^node:/, ...Object.keys(manifest.dependencies).map((name) => new RegExp(`^${name}(?:/|$)`))],
});
await bundle.write({
  dir: 'dist',
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
});
await bundle.close();
chmodSync('dist/cli/main.js', 0o755);

const notices = ['commander', 'yaml'].map(
  (name) => `${name}\n\n${readFileSync(`node_modules/${name}/LICENSE`, 'utf8').trim()}\n`,
);
writeFileSync('dist/THIRD-PARTY-LICENSES.txt', notices.join(`\n${'-'.repeat(80)}\n\n`));
