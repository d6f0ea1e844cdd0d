import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ControlPlane } from '../../src/testing/control-plane/index.ts';
import { findFreePort } from '../../src/testing/control-plane/free-port.ts';
import { GateProcess } from '../../test/e2e/gate-process.ts';
import { until } from '../../test/e2e/until.ts';

let plane: ControlPlane;
let gate: GateProcess | undefined;
let folder: string;

beforeAll(async () => {
  plane = await ControlPlane.start({ controllers: ['replicaset-controller'] });
  folder = mkdtempSync(join(tmpdir(), 'sallyport-example-'));
  cpSync(import.meta.dirname, folder, { recursive: true });
  const port = String(await findFreePort());
  const text = readFileSync(join(folder, 'gate.yaml'), 'utf8')
    .replaceAll('8443', port)
    .replace('8080', '0')
    .replace('directory: quotas', `directory: ${folder}/quotas`)
    .replace('path: quota.db', `path: ${folder}/quota.db`)
    .replace(/^apiVersion.*\nkind.*\n/m, '');
  writeFileSync(join(folder, 'gate.yaml'), text);
  gate = await GateProcess.start(plane, text);
});
afterAll(async () => {
  await gate?.stop();
  await plane.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('three of the five Pods may be in the namespace', async () => {
  const tell = async (...args: string[]): Promise<string> => {
    const { stdout, stderr } = await plane.kubectl(args);
    return stdout + stderr;
  };
  // The API server hears of configurations by a watch of its own.
  await tell('apply', '-f', join(folder, 'shop.yaml'), '--dry-run=client');
  await tell('create', 'namespace', 'probe');
  await tell('label', 'namespace', 'probe', 'team=a');
  const probe = ['create', 'service', 'loadbalancer', 'a', '--tcp=80', '-n', 'probe', '--dry-run=server'];
  await until(async () => (await tell(...probe)).includes('quota team-a is filling up'));

  expect(await tell('apply', '-f', join(folder, 'shop.yaml'))).toContain('replicaset.apps/web created');
  const pods = async (): Promise<number> =>
    (await tell('get', 'pods', '-n', 'shop', '-o', 'name')).split('\n').filter(Boolean).length;
  await until(async () => (await pods()) === 3);
  await until(async () => (await tell('get', 'events', '-n', 'shop')).includes('exceeded quota: team-a'));
  expect(await tell('get', 'events', '-n', 'shop')).toContain('limited is what any one namespace may have');
  expect(await pods()).toBe(3);
});
