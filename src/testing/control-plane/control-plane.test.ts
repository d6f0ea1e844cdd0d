import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ControlPlane, ControlPlaneBinariesError, ControlPlaneStartError } from './index.ts';

/** Programs that fail in ways the real ones do only by chance stand in for them. */
let assets: string;
let temporary: string;
beforeEach(() => {
  assets = mkdtempSync(join(tmpdir(), 'sallyport-assets-'));
  temporary = mkdtempSync(join(tmpdir(), 'sallyport-tmp-'));
  vi.stubEnv('KUBEBUILDER_ASSETS', assets);
  vi.stubEnv('TMPDIR', temporary);
  putProgram('etcd', 'exec sleep 600');
  putProgram('kubectl', 'exit 1');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(assets, { recursive: true });
  rmSync(temporary, { recursive: true });
});

function putProgram(name: string, script: string): void {
  writeFileSync(join(assets, name), `#!/bin/sh\necho $$ >> ${assets}/pids\n${script}\n`);
  chmodSync(join(assets, name), 0o755);
}

/** A process that has ended but was not waited for cannot be told from a running one by signal 0; ours are waited for. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function expectNothingLeft(): void {
  const pids = readFileSync(join(assets, 'pids'), 'utf8').trim().split('\n').map(Number);
  expect(pids.length).toBeGreaterThan(0);
  expect(pids.filter(isRunning)).toEqual([]);
  expect(readdirSync(temporary)).toEqual([]);
}

describe('ControlPlane.start()', () => {
  it('says what kube-apiserver wrote last when it ends', async () => {
    putProgram('kube-apiserver', 'echo "E1123 run.go:72] command failed: flags make no sense" >&2; exit 3');
    const start = ControlPlane.start();
    await expect(start).rejects.toThrow(ControlPlaneStartError);
    await expect(start).rejects.toThrow(
      /kube-apiserver ended with code 3; its last lines:\s+E1123 .*flags make no sense/,
    );
    expectNothingLeft();
  });

  it('says so when etcd ends', async () => {
    putProgram('etcd', 'echo "data dir is broken"; exit 1');
    putProgram('kube-apiserver', 'exec sleep 600');
    await expect(ControlPlane.start()).rejects.toThrow(/etcd ended with code 1; its last lines:\s+data dir is broken/);
    expectNothingLeft();
  });

  it('gives up on a server that is never ready', async () => {
    putProgram('kube-apiserver', 'echo "waiting for godot"; exec sleep 600');
    await expect(ControlPlane.start({ startTimeoutSeconds: 3 })).rejects.toThrow(
      /kube-apiserver was not ready within 3 s; its last lines:\s+waiting for godot/,
    );
    expectNothingLeft();
  });

  it('takes another port when somebody was faster, and not for ever', async () => {
    putProgram(
      'kube-apiserver',
      `for flag; do case $flag in --secure-port=*) echo "$flag" >> ${assets}/ports;; esac; done
       echo "failed to listen on 127.0.0.1: bind: address already in use" >&2; exit 1`,
    );
    await expect(ControlPlane.start()).rejects.toThrow(/address already in use/);
    const ports = readFileSync(join(assets, 'ports'), 'utf8').trim().split('\n');
    expect(ports).toHaveLength(5);
    expect(new Set(ports).size).toBeGreaterThan(1);
    expectNothingLeft();
  });

  it('asks for kube-controller-manager only when controllers are wanted', async () => {
    putProgram('kube-apiserver', 'exit 3');
    await expect(ControlPlane.start({ controllers: ['deployment'] })).rejects.toThrow(ControlPlaneBinariesError);
    expect(existsSync(join(assets, 'pids'))).toBe(false);
    await expect(ControlPlane.start()).rejects.toThrow(ControlPlaneStartError);
  });
});
