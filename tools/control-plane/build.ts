/**
 * Makes sure that etcd, kube-apiserver, kube-controller-manager and kubectl are on this machine, built from the Go
 * module beside this file.
 *
 * Run: `node tools/control-plane/build.ts`. Does nothing when they are there already, in `KUBEBUILDER_ASSETS` or in
 * the cache. Ends with 1 and one sentence when it cannot help.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  controlPlaneBinaries,
  kubernetesVersion,
  locateBinaries,
  missingBinaries,
  requireBinaries,
  type ControlPlaneBinary,
} from '../../src/testing/control-plane/binaries.ts';
import { ControlPlaneBinariesError } from '../../src/testing/control-plane/errors.ts';

/** Go package of each program and its build time from an empty Go cache on two busy cores, told to whoever waits. */
const recipes: { readonly [name in ControlPlaneBinary]: { readonly goPackage: string; readonly takes: string } } = {
  etcd: { goPackage: 'go.etcd.io/etcd/server/v3', takes: 'about 1 minute' },
  'kube-apiserver': { goPackage: 'k8s.io/kubernetes/cmd/kube-apiserver', takes: 'about 8 minutes' },
  'kube-controller-manager': { goPackage: 'k8s.io/kubernetes/cmd/kube-controller-manager', takes: 'about 5 minutes' },
  kubectl: { goPackage: 'k8s.io/kubernetes/cmd/kubectl', takes: 'about half a minute' },
};

/** From go.mod: `go 1.26.0`. */
const neededGo = { major: 1, minor: 26 };

/** GOTOOLCHAIN=local: an old Go must say that it is old instead of downloading another one. */
const goEnvironment = { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOWORK: 'off', GOFLAGS: '' };

const { directory, chosenBy } = locateBinaries(process.env);
if (chosenBy === 'KUBEBUILDER_ASSETS') checkAssets();
const missing = missingBinaries(directory, controlPlaneBinaries);
if (missing.length > 0) {
  checkGo();
  mkdirSync(directory, { recursive: true });
  console.error(`Building ${missing.join(', ')} ${kubernetesVersion()} into ${directory}, once.`);
  for (const name of missing) await build(name);
}

/** The user's own folder is taken as it is: never built into. */
function checkAssets(): void {
  try {
    requireBinaries(controlPlaneBinaries, process.env);
  } catch (error) {
    if (!(error instanceof ControlPlaneBinariesError)) throw error;
    giveUp(error.message);
  }
}

/** Builds into a file of our own and renames it, so that neither an interruption nor a second build leaves a half one. */
async function build(name: ControlPlaneBinary): Promise<void> {
  const { goPackage, takes } = recipes[name];
  console.error(`  ${name}: ${takes} from an empty Go cache …`);
  const started = performance.now();
  const target = join(directory, name);
  const unfinished = `${target}.${process.pid}.tmp`;
  const code = await go(['build', '-trimpath', '-ldflags', linkerFlags(), '-o', unfinished, goPackage]);
  if (code !== 0) {
    rmSync(unfinished, { force: true });
    giveUp(`${name} could not be built: go build ended with ${code ?? 'a signal'}, see its output above.`);
  }
  renameSync(unfinished, target);
  const seconds = Math.round((performance.now() - started) / 1000);
  console.error(`  ${name}: built in ${seconds} s, ${Math.round(statSync(target).size / 1e6)} MB`);
}

/** Runs `go` in the module; a Ctrl-C ends it, and our file with it, before it ends us. */
function go(args: readonly string[]): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn('go', args, {
      cwd: import.meta.dirname,
      env: goEnvironment,
      stdio: ['ignore', process.stderr, process.stderr],
    });
    const interrupt = () => void child.kill('SIGINT');
    process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
    child.once('error', reject);
    child.once('exit', (code) => {
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
      resolve(code);
    });
  });
}

/**
 * Stamps the version: without it the API server calls itself v0.0.0 and switches its feature gates by that.
 *
 * Source: k8s.io/kubernetes v1.37.2 hack/lib/version.sh, kube::version::ldflags.
 */
function linkerFlags(): string {
  const version = kubernetesVersion();
  const [major = '', minor = ''] = version.slice(1).split('.');
  const stamps = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((goPackage) => [
    `-X ${goPackage}.gitVersion=${version}`,
    `-X ${goPackage}.gitMajor=${major}`,
    `-X ${goPackage}.gitMinor=${minor}`,
  ]);
  return ['-s', '-w', ...stamps].join(' ');
}

function checkGo(): void {
  const wanted = `Go ${neededGo.major}.${neededGo.minor} or later`;
  const remedy = `install ${wanted} (https://go.dev/dl), or set KUBEBUILDER_ASSETS to a folder with ${controlPlaneBinaries.join(', ')}.`;
  const answer = spawnSync('go', ['version'], { env: goEnvironment, encoding: 'utf8' });
  const [, major, minor] = /\bgo(\d+)\.(\d+)/.exec(answer.stdout ?? '') ?? [];
  if (major === undefined || minor === undefined) {
    giveUp(`The real API server is built from source, and Go is not on this machine: ${remedy}`);
  }
  if (Number(major) < neededGo.major || (Number(major) === neededGo.major && Number(minor) < neededGo.minor)) {
    giveUp(`The real API server is built from source, and Go here is ${major}.${minor}: ${remedy}`);
  }
}

function giveUp(reason: string): never {
  console.error(reason);
  process.exit(1);
}
