// Builds dist/: declarations by the compiler, one file for each source, and code bundled into few files, so that a command
// starts quickly. All entries come out of one bundling and share their chunks: whoever imports `sallyport` in a webhook
// gets the same classes as the command that loads it.
import { spawnSync } from 'node:child_process';
import { chmodSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
// What the package depends on stays outside; what it only builds with is put in. zod is both: its code is put in, and its types
// are named by ours.
const outside = Object.keys(manifest.dependencies).filter((name) => name !== 'zod');
const bundle = await rolldown({
  input: {
    ...Object.fromEntries(entries.map((entry) => [entry, `src/${entry}.ts`])),
    'cli/main': 'src/cli/main.ts',
    'webhook-thread-worker': 'src/app/webhook-thread-worker.ts',
  },
  platform: 'node',
  external: [/^node:/, ...outside.map((name) => new RegExp(`^${name}(?:/|$)`))],
});
const { output } = await bundle.write({
  dir: 'dist',
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
});
await bundle.close();
chmodSync('dist/cli/main.js', 0o755);

const inside = new Set(
  output.flatMap((part) =>
    part.type === 'chunk'
      ? part.moduleIds.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(id)?.[0] ?? [])
      : [],
  ),
);
const notices = [...inside].sort().map((folder) => {
  const [license] = globSync(`${folder}/{LICENSE,LICENCE,license}*`);
  if (license === undefined) throw new Error(`${folder} has no license text`);
  const { name } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
  return `${name}\n\n${readFileSync(license, 'utf8').trim()}\n`;
});
writeFileSync('dist/THIRD-PARTY-LICENSES.txt', notices.join(`\n${'-'.repeat(80)}\n\n`));
