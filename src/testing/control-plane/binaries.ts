/** Where the programs of a control plane are: `KUBEBUILDER_ASSETS`, or a cache that tools/control-plane/build.ts fills. */
import { accessSync, constants, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ControlPlaneBinariesError } from './errors.ts';

export const controlPlaneBinaries = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl'] as const;
export type ControlPlaneBinary = (typeof controlPlaneBinaries)[number];

/** Environment variables as `process.env` gives them. */
export interface Environment {
  readonly [name: string]: string | undefined;
}

export interface BinariesLocation {
  readonly directory: string;
  /** Who chose the folder: the user by `KUBEBUILDER_ASSETS`, or our own cache. */
  readonly chosenBy: 'KUBEBUILDER_ASSETS' | 'cache';
}

/** The Go module that names the Kubernetes version and builds the programs from it. */
/** By the package's name, since the place of this file in it depends on the build. */
const goModule = new URL(
  'tools/control-plane/go.mod',
  pathToFileURL(createRequire(import.meta.url).resolve('sallyport/package.json')),
);

/**
 * The Kubernetes version that Sallyport is held against, as `v1.37.2`.
 *
 * Read from tools/control-plane/go.mod, the one place where it is written. Throws {@link ControlPlaneBinariesError}
 * when that file is not there.
 */
export function kubernetesVersion(): string {
  let text: string;
  try {
    text = readFileSync(goModule, 'utf8');
  } catch {
    throw new ControlPlaneBinariesError(
      `No Kubernetes version is known, since ${goModule.pathname} cannot be read: set KUBEBUILDER_ASSETS to a folder with ${controlPlaneBinaries.join(', ')}.`,
      { missing: controlPlaneBinaries },
    );
  }
  const version = /^\s*k8s\.io\/kubernetes (v\S+)/m.exec(text)?.[1];
  if (version === undefined) {
    throw new ControlPlaneBinariesError(`${goModule.pathname} requires no k8s.io/kubernetes.`, {
      missing: controlPlaneBinaries,
    });
  }
  return version;
}

/**
 * The folder where the programs are looked for, whether or not they are there.
 *
 * `KUBEBUILDER_ASSETS` wins; else `$SALLYPORT_CACHE`, `$XDG_CACHE_HOME` or `~/.cache`, below it
 * `sallyport/control-plane/<version>`. An empty variable counts as not set.
 */
export function locateBinaries(environment: Environment): BinariesLocation {
  const assets = environment['KUBEBUILDER_ASSETS'];
  if (assets !== undefined && assets !== '') return { directory: assets, chosenBy: 'KUBEBUILDER_ASSETS' };
  const cache = environment['SALLYPORT_CACHE'] || environment['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return { directory: join(cache, 'sallyport', 'control-plane', kubernetesVersion()), chosenBy: 'cache' };
}

/** Those of `wanted` that are not executable files in `directory`. */
export function missingBinaries(directory: string, wanted: readonly ControlPlaneBinary[]): ControlPlaneBinary[] {
  return wanted.filter((name) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return false;
    } catch {
      return true;
    }
  });
}

/**
 * The folder that holds all of `wanted`.
 *
 * Throws {@link ControlPlaneBinariesError} naming what is missing and how to get it.
 */
export function requireBinaries(wanted: readonly ControlPlaneBinary[], environment: Environment): string {
  const { directory, chosenBy } = locateBinaries(environment);
  const missing = missingBinaries(directory, wanted);
  if (missing.length === 0) return directory;
  const remedy =
    chosenBy === 'KUBEBUILDER_ASSETS'
      ? 'add them, or unset KUBEBUILDER_ASSETS to use the ones that `node tools/control-plane/build.ts` builds'
      : 'run `node tools/control-plane/build.ts` (needs Go 1.26 or later), or set KUBEBUILDER_ASSETS to a folder that has them';
  const source = chosenBy === 'KUBEBUILDER_ASSETS' ? ' (KUBEBUILDER_ASSETS)' : '';
  throw new ControlPlaneBinariesError(`${missing.join(', ')} missing in ${directory}${source}: ${remedy}.`, {
    directory,
    missing,
  });
}
