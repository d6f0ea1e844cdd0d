/**
 * Records what a real API server does with the scenarios of test/golden/chain, for the replay to compare with.
 *
 * `npm run golden` plays them all and rewrites test/golden/chain/recordings; `npm run golden -- rules selectors` only
 * those whose names begin so.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { WebhookClientConfig } from '../../src/api/webhook-configuration.ts';
import { isJsonObject, type JsonObject } from '../../src/json/json-value.ts';
import { newPanicked } from '../../src/chain/status-error.ts';
import { ControlPlane } from '../../src/testing/control-plane/index.ts';
import { definitions, markerNamespace, markers, namespaces } from '../../test/golden/chain/cluster.ts';
import { configurations } from '../../test/golden/chain/configurations.ts';
import { normaliseObject, normaliseRecorded } from '../../test/golden/chain/normalise.ts';
import { recordingsOf, writeRecording } from '../../test/golden/chain/recordings.ts';
import { RecordingWebhookServer } from '../../test/golden/chain/webhook-server.ts';
import { callsInOrder, fillClientConfigs } from '../../test/golden/chain/replay.ts';
import {
  defaultUser,
  storesObject,
  type Recorded,
  type RecordedRequest,
  type RequestSpec,
  type World,
} from '../../test/golden/chain/scenario.ts';
import { ApiSession } from './api-session.ts';
import { collectionPath, contentTypeOf, methodOf, objectPath, queryOf, requestPath } from './request-path.ts';

/** Everything the audit log is asked for: annotations of level Request too. */
const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Request' }],
};

/** A recorded request that still lacks its audit annotations. */
interface Unaudited {
  readonly auditId: string;
  readonly before?: JsonObject;
  readonly recorded: Omit<Recorded, 'auditAnnotations'>;
}

/** What the engine has for a connection that the API server closed without an answer, as it does when its handler panics. */
const unanswered = newPanicked() as JsonObject;

const scratch = mkdtempSync(join(tmpdir(), 'sallyport-golden-'));
const auditPolicyFile = join(scratch, 'audit-policy.json');
const auditLogPath = join(scratch, 'audit.log');
writeFileSync(auditPolicyFile, JSON.stringify(auditPolicy));
const server = await RecordingWebhookServer.start();
const plane = await ControlPlane.start({ auditPolicyFile, auditLogPath });
const session = new ApiSession(plane);
try {
  const wanted = process.argv.slice(2);
  const { gitVersion } = (await session.expect({ method: 'GET', path: '/version' })) as { gitVersion: string };
  await prepareCluster();
  for (const { file, worlds, keep } of recordingsOf()) {
    if (wanted.length > 0 && !wanted.some((name) => file.startsWith(name))) continue;
    const start = performance.now();
    const played = await playAll(worlds);
    const annotations = readAuditLog();
    const recorded = played.map(({ world, requests }) => ({
      world: world.name,
      requests: world.requests.map(({ name }, index): RecordedRequest => {
        const { auditId, before, recorded } = requests[index] as Unaudited;
        const auditAnnotations = annotations.get(auditId) ?? {};
        return {
          name,
          ...(before === undefined ? {} : { before }),
          recorded: keep(normaliseRecorded({ ...recorded, auditAnnotations })),
        };
      }),
    }));
    writeRecording(file, { kubernetesVersion: gitVersion, worlds: recorded });
    const requests = recorded.reduce((sum, world) => sum + world.requests.length, 0);
    console.log(
      `${file}: ${recorded.length} worlds, ${requests} requests in ${Math.round((performance.now() - start) / 1000)} s`,
    );
  }
  if (wanted.length === 0 || wanted.includes('configurations')) await recordConfigurations();
} finally {
  session.close();
  await plane.stop();
  await server.stop();
  rmSync(scratch, { recursive: true });
}

async function prepareCluster(): Promise<void> {
  const marker = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: markerNamespace } };
  for (const namespace of [...namespaces, marker]) {
    await session.expect({ method: 'POST', path: '/api/v1/namespaces', body: namespace as JsonObject });
  }
  for (const definition of definitions) {
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    await session.expect({ method: 'POST', path, body: asBody(definition) });
    const { group, names } = definition.spec;
    while ((await session.send({ method: 'GET', path: `/apis/${group}/v1/${names.plural}` })).code !== 200)
      await delay(50);
  }
  for (const [kind, configuration] of Object.entries(markers('start'))) {
    await session.expect({
      method: 'POST',
      path: configurationsPath(kind),
      body: configuration as unknown as JsonObject,
    });
  }
}

/** What the API server has against each configuration, asked in a dry run. */
async function recordConfigurations(): Promise<void> {
  const causes: { [name: string]: unknown } = {};
  for (const [name, configuration] of Object.entries(configurations)) {
    const kind = textOf(configuration['kind']).startsWith('Mutating') ? 'mutating' : 'validating';
    const { code, body } = await session.send({
      method: 'POST',
      path: configurationsPath(kind),
      body: configuration,
      query: { dryRun: 'All' },
    });
    if (code >= 300 && code !== 422) throw new Error(`${name}: ${code} ${JSON.stringify(body)}`);
    const details = isJsonObject(body['details']) ? body['details'] : {};
    causes[name] = code === 422 ? details['causes'] : [];
  }
  const lines = Object.entries(causes).map(([name, each]) => `${JSON.stringify(name)}:${JSON.stringify(each)}`);
  writeFileSync(
    new URL('../../test/golden/chain/recordings/configurations.json', import.meta.url),
    `{\n${lines.join(',\n')}\n}\n`,
  );
  console.log(`configurations: ${lines.length}`);
}

async function playAll(worlds: readonly World[]): Promise<{ world: World; requests: Unaudited[] }[]> {
  for (const world of worlds) {
    await Promise.all(world.requests.map((request) => createExisting(request)));
  }
  const played: { world: World; requests: Unaudited[] }[] = [];
  for (const world of worlds) {
    await register(world);
    server.play(world.behaviours);
    const requests: Unaudited[] = [];
    for (const request of world.requests) requests.push(await play(world, request));
    await unregister(world);
    played.push({ world, requests });
  }
  return played;
}

async function createExisting({ existing, resource, namespace }: RequestSpec): Promise<void> {
  if (existing === undefined) return;
  await session.expect({ method: 'POST', path: collectionPath(resource, namespace), body: existing });
}

/** Registers the webhooks of a world and waits until the API server uses them, and those of the world before no more. */
async function register(world: World): Promise<void> {
  const clientConfigFor = (webhook: string, said: WebhookClientConfig) => server.clientConfig(webhook, said);
  // While the markers are asked for, every webhook lets everything pass.
  server.play(Object.fromEntries(Object.keys(world.behaviours).map((webhook) => [webhook, { kind: 'answer' }])));
  const generation = randomUUID();
  const marker = markers(generation);
  // The validating ones first: the watch that brings them has then had all the time that the mutating ones take.
  for (const kind of ['validating', 'mutating'] as const) {
    await Promise.all(
      (world[kind] ?? []).map((configuration) =>
        session.expect({
          method: 'POST',
          path: configurationsPath(kind),
          body: asBody(fillClientConfigs(configuration, clientConfigFor)),
        }),
      ),
    );
    const path = `${configurationsPath(kind)}/${marker[kind].metadata?.name}`;
    const body = asBody({ webhooks: marker[kind].webhooks });
    await session.expect({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json' });
  }
  await seeMarker('mutating', generation, Infinity);
  // A mutating webhook of the world may refuse this one, by a condition; then its watch gets a moment.
  await seeMarker('validating', generation, 200);
}

/** Asks until the refusal names `generation`, for so many milliseconds at most. */
async function seeMarker(
  kind: 'mutating' | 'validating',
  generation: string,
  patienceMilliseconds: number,
): Promise<void> {
  const path = `/api/v1/namespaces/${markerNamespace}/configmaps`;
  const metadata = { name: 'marker', labels: { marker: kind } };
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { some: 'thing' } };
  const start = performance.now();
  while (performance.now() - start < patienceMilliseconds) {
    const answer = await session.send({ method: 'POST', path, body, query: { dryRun: 'All' } });
    if (textOf(answer.body['message']).includes(generation)) return;
    await delay(5);
  }
}

async function unregister(world: World): Promise<void> {
  await Promise.all(
    configurationsOf(world).map(({ kind, configuration }) =>
      session.expect({ method: 'DELETE', path: `${configurationsPath(kind)}/${configuration.metadata?.name}` }),
    ),
  );
}

async function play(world: World, request: RequestSpec): Promise<Unaudited> {
  const before = await storedObject(request);
  server.takeCalls();
  const auditId = randomUUID();
  const answer = await session.send({
    method: methodOf(request),
    path: requestPath(request),
    query: queryOf(request),
    ...(request.body === undefined ? {} : { body: await sentBody(request) }),
    contentType: contentTypeOf(request),
    user: request.user ?? defaultUser,
    auditId,
  });
  const allowed = (answer.code >= 200 && answer.code < 400) || failedAfterAdmission(request, answer.body);
  return {
    auditId,
    ...(before === undefined ? {} : { before }),
    recorded: {
      allowed,
      ...(allowed ? {} : { status: answer.code === 0 ? unanswered : answer.body }),
      warnings: answer.warnings,
      ...(allowed && storesObject(request) ? { object: answer.body } : {}),
      calls: callsInOrder(world, server.takeCalls()),
    },
  };
}

/** An update names the version of the object that it is for. */
async function sentBody(request: RequestSpec): Promise<JsonObject> {
  const { verb, body = {} } = request;
  if (verb !== 'update') return body;
  const stored = await session.expect({ method: 'GET', path: objectPath(request) });
  const { resourceVersion = '' } = isJsonObject(stored['metadata']) ? stored['metadata'] : {};
  const metadata = isJsonObject(body['metadata']) ? body['metadata'] : {};
  return { ...body, metadata: { ...metadata, resourceVersion } };
}

/** The object that the request is about, as the chain will find it. */
async function storedObject(request: RequestSpec): Promise<JsonObject | undefined> {
  if (request.objectName === undefined || request.verb === 'connect') return undefined;
  const { code, body } = await session.send({ method: 'GET', path: objectPath(request) });
  return code === 200 ? normaliseObject(body) : undefined;
}

/** CONNECT to a Pod on no node fails, but only after admission. */
function failedAfterAdmission({ verb }: RequestSpec, body: JsonObject): boolean {
  return verb === 'connect' && textOf(body['message']).includes('does not have a host assigned');
}

function configurationsOf({ mutating = [], validating = [] }: World) {
  return [
    ...mutating.map((configuration) => ({ kind: 'mutating', configuration })),
    ...validating.map((configuration) => ({ kind: 'validating', configuration })),
  ];
}

function configurationsPath(kind: string): string {
  return `/apis/admissionregistration.k8s.io/v1/${kind}webhookconfigurations`;
}

/** An object of the API, which is JSON though its type has not the signature of one. */
function asBody(object: object): JsonObject {
  return object as JsonObject;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Audit annotations by the Audit-ID of the request. */
function readAuditLog(): Map<string, { [key: string]: string }> {
  const annotations = new Map<string, { [key: string]: string }>();
  for (const line of readFileSync(auditLogPath, 'utf8').split('\n')) {
    if (line === '') continue;
    const event: unknown = JSON.parse(line);
    if (!isJsonObject(event) || typeof event['auditID'] !== 'string') continue;
    // A request has several events: when its answer began, when it ended, when the handler panicked.
    const known = annotations.get(event['auditID']);
    annotations.set(event['auditID'], { ...known, ...(event['annotations'] as { [key: string]: string } | undefined) });
  }
  return annotations;
}
