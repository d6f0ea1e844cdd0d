// Packs the package as npm would publish it, checks it with publint, and imports every export of it from a project that
// has nothing else installed but its dependencies.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const work = mkdtempSync(join(tmpdir(), 'sallyport-package-'));
/** @param {string} command @param {string[]} args @param {string} [cwd] */
const run = (command, args, cwd) =>
  execFileSync(command, args, { encoding: 'utf8', cwd, stdio: ['ignore', 'pipe', 'inherit'] });
try {
  const [packed] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', work]));
  const tarball = join(work, packed.filename);
  console.log(`${packed.filename}: ${packed.files.length} files, ${Math.round(packed.size / 1024)} KiB`);
  const unwanted = packed.files.filter((/** @type {{ path: string }} */ { path }) =>
    /\.test\.|testdata|^src\//.test(path),
  );
  if (unwanted.length > 0)
    throw new Error(
      `packed by mistake: ${unwanted.map((/** @type {{ path: string }} */ { path }) => path).join(', ')}`,
    );

  run('tar', ['-xzf', tarball, '-C', work]);
  const modules = join(work, 'project/node_modules');
  mkdirSync(modules, { recursive: true });
  const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
  for (const name of Object.keys(manifest.dependencies)) {
    if (name.includes('/')) mkdirSync(join(modules, name, '..'), { recursive: true });
    symlinkSync(resolve('node_modules', name), join(modules, name));
  }
  symlinkSync(join(work, 'package'), join(modules, 'sallyport'));
  symlinkSync(modules, join(work, 'package/node_modules'));
  writeFileSync(join(work, 'project/package.json'), '{"type":"module"}');
  console.log(run('npx', ['publint', '--strict', tarball]).trim());

  const entries = Object.keys(manifest.exports).filter((entry) => entry !== './package.json');
  const script = entries.map((entry) => `await import('sallyport${entry.slice(1)}');`).join('\n');
  writeFileSync(join(work, 'project/import.mjs'), script);
  run('node', ['import.mjs'], join(work, 'project'));
  console.log(`imported ${entries.length} entries`);
  console.log(run('node', [join(modules, 'sallyport/dist/cli/main.js'), 'version'], join(work, 'project')).trim());
} finally {
  rmSync(work, { recursive: true, force: true });
}
