// The demonstration of the README: what the examples refuse is refused on purpose, so that is no failure here.
import { spawnSync } from 'node:child_process';

const examples = 'examples/getting-started';
const dev = ['dev', '--webhooks', `${examples}/webhooks`, '--manifests', `${examples}/manifests`];
const { status } = spawnSync(
  'node',
  ['--conditions=sallyport-source', 'src/cli/main.ts', ...dev, ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
process.exitCode = status === 1 ? 0 : (status ?? 2);
