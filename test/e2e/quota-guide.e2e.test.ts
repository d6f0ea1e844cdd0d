import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseMarkdownSteps, type GuideStep } from '../guide-steps.ts';
import { ControlPlane } from '../../src/testing/control-plane/index.ts';
import { requireBinaries } from '../../src/testing/control-plane/binaries.ts';
import { findFreePort } from '../../src/testing/control-plane/free-port.ts';
import { PostgresServer } from '../postgres-server.ts';
import { Background } from './background.ts';
import { until } from './until.ts';

const root = resolve(import.meta.dirname, '../..');
const steps = parseMarkdownSteps(readFileSync(join(root, 'docs/guides/quota.md'), 'utf8'));
const clusters = ['eu-1', 'eu-2', 'us-1'];

let folder: string;
let postgres: PostgresServer;
const planes = new Map<string, ControlPlane>();
const gates = new Map<string, Background>();
/** What stands in the guide, and what this machine has in its place. */
const replacements: [string, string][] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-guide-'));
  postgres = await PostgresServer.start();
  replacements.push(['postgres://quota@db.example.com/quota', postgres.newDatabase()]);
  const main = join(root, 'src/cli/main.ts');
  writeFileSync(
    join(folder, 'sallyport'),
    `#!/bin/sh\nexec "${process.execPath}" --conditions=sallyport-source "${main}" "$@"\n`,
  );
  chmodSync(join(folder, 'sallyport'), 0o755);
  for (const cluster of clusters) {
    mkdirSync(join(folder, cluster));
    const plane = await ControlPlane.start();
    planes.set(cluster, plane);
    const port = await findFreePort();
    replacements.push([`gate.${cluster}.example.com:8443`, `127.0.0.1:${port}`]);
    replacements.push([`/etc/sallyport/${cluster}.kubeconfig`, plane.kubeconfig]);
  }
}, 240_000);
afterAll(async () => {
  for (const gate of gates.values()) await gate.stop();
  for (const plane of planes.values()) await plane.stop();
  await postgres?.remove();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

it('the guide has its steps', () => {
  expect(steps.length).toBeGreaterThan(25);
});

it.each(steps.map((step) => ({ step, name: `line ${step.line}: ${step.text.split('\n')[0] ?? ''}` })))(
  '$name',
  async ({ step }) => {
    if (step.kind === 'file') writeFile(step);
    else if (step.isBackground) await startGate(step);
    else if (step.expected === undefined) await runStep(step);
    else if (step.isRepeated) await repeat(step, patternOf(step.expected));
    else expect(await runStep(step, true)).toMatch(patternOf(step.expected));
  },
);

function writeFile({ path, text }: GuideStep & { kind: 'file' }): void {
  const cluster = dirname(path);
  const [, address = ''] = replacements.find(([from]) => from.includes(`gate.${cluster}.`)) ?? [];
  let content = text.replace('port: 8443, healthPort: 8080', `port: ${address.split(':')[1] ?? ''}, healthPort: 0`);
  for (const [from, to] of replacements) content = content.replaceAll(from, to);
  writeFileSync(join(folder, path), content);
}

async function startGate(step: GuideStep & { kind: 'command' }): Promise<void> {
  await gates.get(step.cluster)?.stop();
  const plane = planeOf(step);
  const child = plane.spawn(['bash', '-c', `exec ${step.text.trim()}`], {
    cwd: join(folder, step.cluster),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment(),
  });
  const gate = new Background(child);
  gates.set(step.cluster, gate);
  await gate.waitForLine(/quota is enforced/);
}

async function runStep(step: GuideStep & { kind: 'command' }, mayFail = false): Promise<string> {
  const plane = planeOf(step);
  const script = `cd "${join(folder, step.cluster)}"\n${mayFail ? '' : 'set -e\n'}${step.text}`;
  const { stdout, stderr, code } = await plane.exec(['bash', '-c', `exec 2>&1\n${script}`], {
    environment: environment(),
  });
  if (!mayFail) expect(code, stdout + stderr).toBe(0);
  return stdout + stderr;
}

async function repeat(step: GuideStep & { kind: 'command' }, expected: RegExp): Promise<void> {
  let output = '';
  const isSaid = async (): Promise<boolean> => expected.test((output = await runStep(step, true)));
  // What it says in the end tells more than that it took too long.
  await until(isSaid, 40).catch(() => expect(output).toMatch(expected));
}

/** Lines in this order, others between them; `…` stands for anything, and so much space for any. */
function patternOf(expected: string): RegExp {
  const lines = expected.trim().split('\n');
  const escaped = lines.map((line) =>
    line
      .trim()
      .split('…')
      .map((part) =>
        part
          .split(/\s+/)
          .map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
          .join('\\s+'),
      )
      .join('.*'),
  );
  return new RegExp(escaped.join('[\\s\\S]*?'));
}

function planeOf({ cluster }: GuideStep & { kind: 'command' }): ControlPlane {
  const plane = planes.get(cluster);
  if (plane === undefined) throw new Error(`the guide speaks of a cluster ${cluster}`);
  return plane;
}

/** kubectl is that of the control plane. */
function environment(): { PATH: string } {
  return { PATH: [folder, requireBinaries(['kubectl'], process.env), process.env['PATH']].join(delimiter) };
}
