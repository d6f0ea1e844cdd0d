import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { KubernetesObject } from '../../src/api/object-meta.ts';
import type { Manifest } from '../../src/api/manifest.ts';
import { OfflineReview, type ReviewedManifest } from '../../src/review/offline-review.ts';
import { readWebhookSources } from '../../src/review/webhook-sources.ts';
import { readManifestFiles } from '../../src/sources/manifest-files.ts';
import { silentLogger } from '../../src/telemetry/index.ts';
import { findFreePort } from '../../src/testing/control-plane/free-port.ts';
import { ControlPlane } from '../../src/testing/control-plane/index.ts';
import { GateProcess } from './gate-process.ts';
import { widgetDefinition } from './widgets.ts';

const examples = resolve(import.meta.dirname, '../../examples/getting-started');

let plane: ControlPlane;
let gate: GateProcess | undefined;
beforeAll(async () => {
  plane = await ControlPlane.start();
  await create(widgetDefinition);
});
afterAll(async () => {
  await gate?.stop();
  await plane.stop();
});

interface Answer {
  readonly stored: KubernetesObject | undefined;
  readonly error: string;
}

async function create(object: KubernetesObject, ...flags: string[]): Promise<Answer> {
  const command = ['create', '-f', '-', '-o', 'json', ...flags];
  const { code, stdout, stderr } = await plane.kubectl(command, { input: JSON.stringify(object) });
  return code === 0
    ? { stored: JSON.parse(stdout) as KubernetesObject, error: '' }
    : {
        stored: undefined,
        error: stderr.replace(/^Error from server \(\w+\): error when creating "STDIN": /, '').trim(),
      };
}

/** What the server alone decides about every object that is stored. */
const serversOwn = new Set(['uid', 'resourceVersion', 'generation', 'creationTimestamp', 'managedFields']);

/** Paths of everything in `actual` that `expected` does not say; throws where `expected` says otherwise. */
function beyond(actual: unknown, expected: unknown, path = ''): string[] {
  if (typeof expected !== 'object' || expected === null) {
    if (actual !== expected)
      throw new Error(`${path}: stored ${JSON.stringify(actual)}, reviewed ${JSON.stringify(expected)}`);
    return [];
  }
  if (typeof actual !== 'object' || actual === null) throw new Error(`${path}: stored ${JSON.stringify(actual)}`);
  for (const key of Object.keys(expected)) {
    if (!Object.hasOwn(actual, key)) throw new Error(`${path}.${key}: reviewed, but not stored`);
  }
  return Object.entries(actual).flatMap(([key, value]: [string, unknown]) => {
    // The status of a new object is the server's own too: it computes it after admission.
    if ((path === '.metadata' && serversOwn.has(key)) || (path === '' && key === 'status')) return [];
    const known = Object.hasOwn(expected, key) ? (expected as Record<string, unknown>)[key] : undefined;
    return known === undefined ? [`${path}.${key}`] : beyond(value, known, `${path}.${key}`);
  });
}

function valueAt(object: unknown, path: string): unknown {
  return path
    .split('.')
    .slice(1)
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], object);
}

it('review says of every example what the server stores or answers with the same webhooks', async () => {
  const { manifests, problems } = await readManifestFiles([join(examples, 'manifests')]);
  expect(problems).toEqual([]);
  expect(manifests.length).toBeGreaterThan(5);

  // What the server makes of each without webhooks: the defaults of the types, which the engine does not invent.
  const plain = new Map<Manifest, KubernetesObject | undefined>();
  for (const manifest of manifests) plain.set(manifest, (await create(manifest.object, '--dry-run=server')).stored);

  const port = await findFreePort();
  gate = await GateProcess.start(
    plane,
    `webhooks: { paths: ["${examples}/webhooks"] }
server: { host: 127.0.0.1, port: ${port}, healthPort: ${await findFreePort()} }
registration: { url: "https://127.0.0.1:${port}" }
`,
  );
  const review = await OfflineReview.open(
    {
      ...(await readWebhookSources([join(examples, 'webhooks')])),
      state: [widgetDefinition],
      // The control plane runs without it, having no controller that makes service accounts.
      plugins: { disable: ['ServiceAccount'] },
      elsewhere: () => Promise.reject(new Error('nothing is called over the network')),
      log: silentLogger,
    },
    manifests,
  );

  const decisions: string[] = [];
  for (const manifest of manifests) {
    const reviewed = await review.review(manifest);
    const answer = await settled(manifest, reviewed);
    decisions.push(`${manifest.object.metadata?.name}: ${reviewed.outcome.allowed ? 'allowed' : 'denied'}`);
    if (!reviewed.outcome.allowed) {
      expect(answer.error).toBe(reviewed.outcome.status?.message);
      continue;
    }
    expect(answer.error).toBe('');
    for (const path of beyond(answer.stored, reviewed.outcome.object)) {
      expect(valueAt(answer.stored, path), `${manifest.object.metadata?.name}${path}`).toEqual(
        valueAt(plain.get(manifest), path),
      );
    }
  }
  expect(decisions.filter((decision) => decision.endsWith('denied'))).toHaveLength(3);
});

/** The server's answer, asked without storing until its webhooks and the gate's caches have arrived where the review is. */
async function settled({ object }: Manifest, { outcome }: ReviewedManifest): Promise<Answer> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const { error, stored } = await create(object, '--dry-run=server');
    const agrees = outcome.allowed ? error === '' : error !== '';
    // A webhook that changes the object is not there yet when nothing of its change is.
    if (agrees && (!outcome.allowed || isCovered(stored, outcome.object))) break;
    await sleep(100);
  }
  return create(object);
}

function isCovered(stored: unknown, reviewed: unknown): boolean {
  try {
    beyond(stored, reviewed);
    return true;
  } catch {
    return false;
  }
}
