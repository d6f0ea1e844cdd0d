import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { controlPlaneBinaries, kubernetesVersion, locateBinaries, requireBinaries } from './binaries.ts';
import { ControlPlaneBinariesError } from './errors.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-binaries-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function putBinary(path: string, name: string, mode = 0o755): void {
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, name), '');
  chmodSync(join(path, name), mode);
}

describe('locateBinaries()', () => {
  const version = kubernetesVersion();
  it.each([
    [{ KUBEBUILDER_ASSETS: '/assets', SALLYPORT_CACHE: '/cache' }, '/assets', 'KUBEBUILDER_ASSETS'],
    [{ SALLYPORT_CACHE: '/cache', XDG_CACHE_HOME: '/xdg' }, `/cache/sallyport/control-plane/${version}`, 'cache'],
    [{ XDG_CACHE_HOME: '/xdg' }, `/xdg/sallyport/control-plane/${version}`, 'cache'],
    [{}, join(homedir(), `.cache/sallyport/control-plane/${version}`), 'cache'],
    [
      { KUBEBUILDER_ASSETS: '', SALLYPORT_CACHE: '', XDG_CACHE_HOME: '/xdg' },
      `/xdg/sallyport/control-plane/${version}`,
      'cache',
    ],
  ])('with %o is %s', (environment, expected, chosenBy) => {
    expect(locateBinaries(environment)).toEqual({ directory: expected, chosenBy });
  });
});

describe('requireBinaries()', () => {
  it('gives the folder that has them', () => {
    for (const name of controlPlaneBinaries) putBinary(directory, name);
    expect(requireBinaries(controlPlaneBinaries, { KUBEBUILDER_ASSETS: directory })).toBe(directory);
  });

  it('names what is missing, or cannot be run, in KUBEBUILDER_ASSETS', () => {
    putBinary(directory, 'etcd');
    putBinary(directory, 'kubectl', 0o644);
    const ask = () => requireBinaries(['etcd', 'kube-apiserver', 'kubectl'], { KUBEBUILDER_ASSETS: directory });
    expect(ask).toThrow(ControlPlaneBinariesError);
    expect(ask).toThrow(`kube-apiserver, kubectl missing in ${directory} (KUBEBUILDER_ASSETS)`);
  });

  it('says how to fill an empty cache', () => {
    const ask = () => requireBinaries(controlPlaneBinaries, { SALLYPORT_CACHE: directory });
    expect(ask).toThrow(
      /run `node tools\/control-plane\/build\.ts` \(needs Go 1\.26 or later\), or set KUBEBUILDER_ASSETS/,
    );
  });

  it('does not ask for kube-controller-manager where no controllers are wanted', () => {
    for (const name of ['etcd', 'kube-apiserver', 'kubectl']) putBinary(directory, name);
    expect(requireBinaries(['etcd', 'kube-apiserver', 'kubectl'], { KUBEBUILDER_ASSETS: directory })).toBe(directory);
  });
});
