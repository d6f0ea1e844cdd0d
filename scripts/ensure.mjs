// Brings the dependencies and the pinned Node of a fresh clone, then gets out of the way.
// Runs on whatever Node the machine has, with node_modules possibly missing: no imports outside node:*.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const manifest = /** @type {{ devDependencies: { node: string } }} */ (
  JSON.parse(readFileSync('package.json', 'utf8'))
);
const wanted = manifest.devDependencies.node;
const stamp = 'node_modules/.ready';
const binary = 'node_modules/.bin/node';
const digest = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex');

const installedVersion = () =>
  existsSync(binary) ? spawnSync(binary, ['-v'], { encoding: 'utf8' }).stdout?.trim() : undefined;

/** @param {string[]} args */
function npm(...args) {
  // npm started us: call the same npm again, on the Node it runs on.
  const npmScript = process.env.npm_execpath;
  const command = npmScript ? process.execPath : 'npm';
  const result = spawnSync(
    command,
    [...(npmScript ? [npmScript] : []), ...args, '--loglevel=error', '--no-audit', '--no-fund'],
    { stdio: ['ignore', process.stderr, process.stderr] },
  );
  if (result.status !== 0) process.exit(result.status ?? 1);
}

const isReady = existsSync(stamp) && readFileSync(stamp, 'utf8') === digest && installedVersion() === `v${wanted}`;
if (!isReady) {
  console.error(`Installing dependencies (npm ci), once; this takes about 20 seconds.`);
  npm('ci', '--include=dev');
  // With ignore-scripts=true the package `node` has no binary yet: its install script fetches it.
  if (installedVersion() !== `v${wanted}`) npm('rebuild', 'node', '--ignore-scripts=false');
  if (installedVersion() !== `v${wanted}`) {
    console.error(`Node ${wanted} did not arrive in ${binary}; got ${installedVersion() ?? 'nothing'}.`);
    process.exit(1);
  }
  writeFileSync(stamp, digest);
}
