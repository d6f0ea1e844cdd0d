/**
 * Records what the admission plug-ins of a real API server do with the worlds of test/golden/plugins, for the replay to
 * compare with. Each world gets a server of its own, in which only its plug-ins run.
 *
 * `node tools/golden/record-plugins.ts` plays them all and rewrites test/golden/plugins/recordings; further arguments are
 * the beginnings of the names of those to play.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { guessResource } from '../../src/api/kind.ts';
import type { KubernetesObject } from '../../src/api/object-meta.ts';
import { parseApiVersion } from '../../src/api/resource.ts';
import { isJsonObject, type JsonObject } from '../../src/json/json-value.ts';
import { ControlPlane } from '../../src/testing/control-plane/index.ts';
import { normaliseObject } from '../../test/golden/chain/normalise.ts';
import { defaultUser, type RequestSpec } from '../../test/golden/chain/scenario.ts';
import { normaliseAnswer } from '../../test/golden/plugins/normalise.ts';
import { writeRecording } from '../../test/golden/plugins/recordings.ts';
import { flagsOf, storesWholeObject } from '../../test/golden/plugins/replay.ts';
import { laterPolicyName, played, type PlayedRequest, type PluginWorld } from '../../test/golden/plugins/world.ts';
import { worlds } from '../../test/golden/plugins/worlds/index.ts';
import { ApiSession } from './api-session.ts';
import { collectionPath, contentTypeOf, methodOf, objectPath, queryOf, requestPath } from './request-path.ts';

const wanted = process.argv.slice(2);
/** Requests whose answers say nothing of the plug-ins. */
const tellNothing: string[] = [];
for (const world of worlds) {
  if (wanted.length > 0 && !wanted.some((name) => world.name.startsWith(name))) continue;
  const { enable, disable } = flagsOf(world);
  // Read at every start of the server.
  const apiServerFlags: string[] = [];
  const plane = await ControlPlane.start({
    disableAdmissionPlugins: enable.includes('ServiceAccount') ? [] : ['ServiceAccount'],
    apiServerFlags,
    controllers: world.controllers ?? [],
  });
  const session = new ApiSession(plane);
  try {
    const { gitVersion } = (await session.expect({ method: 'GET', path: '/version' })) as { gitVersion: string };
    // Where nothing may be written, everything has to be there before.
    const isClosed = enable.includes('AlwaysDeny');
    if (isClosed) await prepare(session, world);
    // A server makes its own first writes, without which it does not get ready, with the usual plug-ins only.
    await plane.killApiServer();
    apiServerFlags.push(
      `--enable-admission-plugins=${enable.join(',')}`,
      `--disable-admission-plugins=${disable.join(',')}`,
    );
    await plane.startApiServer();
    if (!isClosed) await prepare(session, world);
    const requests: PlayedRequest[] = [];
    for (const request of world.requests) requests.push(await play(session, played(request)));
    if (tellNothing.length > 0) throw new Error(tellNothing.join('\n'));
    writeRecording(world.name, { kubernetesVersion: gitVersion, requests });
    console.log(`${world.name}: ${requests.length} requests`);
  } finally {
    session.close();
    await plane.stop();
  }
}

async function prepare(session: ApiSession, world: PluginWorld): Promise<void> {
  for (const object of world.cluster) await make(session, object);
  // The plug-ins' listers run behind.
  await delay(500);
  for (const { existing, resource, namespace } of world.requests) {
    if (existing === undefined) continue;
    await session.expect({ method: 'POST', path: collectionPath(resource, namespace), body: existing });
  }
  if (world.controllers?.includes('resourcequota')) await quotasAreCounted(session);
  if (world.later !== undefined) await makeLaterPolicy(session, world.later);
  await delay(500);
}

async function make(session: ApiSession, object: KubernetesObject): Promise<void> {
  const kind = { ...parseApiVersion(object.apiVersion ?? ''), kind: object.kind ?? '' };
  const path = collectionPath(guessResource(kind), object.metadata?.namespace);
  // Objects of the worlds are JSON.
  const body = object as JsonObject;
  await session.expect({ method: 'POST', path, body });
  const status = isJsonObject(body['status']) ? body['status'] : {};
  const name = object.metadata?.name;
  if (status['phase'] === 'Terminating') await session.expect({ method: 'DELETE', path: `${path}/${name}` });
  else if (['Pod', 'PersistentVolumeClaim'].includes(object.kind ?? '') && body['status'] !== undefined) {
    const contentType = 'application/merge-patch+json';
    await session.expect({ method: 'PATCH', path: `${path}/${name}/status`, body: { status }, contentType });
  }
}

/** Makes the policy and waits until the API server goes by it. */
async function makeLaterPolicy(session: ApiSession, { path, value }: NonNullable<PluginWorld['later']>): Promise<void> {
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const metadata = { name: laterPolicyName };
  const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] };
  const expression = `[JSONPatch{op: "add", path: ${JSON.stringify(path)}, value: ${JSON.stringify(value)}}]`;
  const policy = {
    ...{ apiVersion, kind: 'MutatingAdmissionPolicy', metadata },
    spec: {
      matchConstraints: { resourceRules: [rule] },
      mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression } }],
      reinvocationPolicy: 'IfNeeded',
      failurePolicy: 'Fail',
    },
  };
  const spec = { policyName: laterPolicyName };
  const binding = { apiVersion, kind: 'MutatingAdmissionPolicyBinding', metadata, spec };
  for (const [resource, body] of Object.entries({
    mutatingadmissionpolicies: policy,
    mutatingadmissionpolicybindings: binding,
  })) {
    await session.expect({ method: 'POST', path: `/apis/${apiVersion}/${resource}`, body });
  }
  const probe = {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'probe' } },
    spec: { containers: [{ name: 'probe', image: 'probe:1' }] },
  };
  // The plug-ins refuse what the policy makes of a Pod.
  const attempt = {
    method: 'POST',
    path: '/api/v1/namespaces/default/pods',
    query: { dryRun: 'All' },
    body: probe,
  } as const;
  while ((await session.send(attempt)).code < 400) await delay(200);
}

async function quotasAreCounted(session: ApiSession): Promise<void> {
  for (;;) {
    const { items } = await session.expect({ method: 'GET', path: '/api/v1/resourcequotas' });
    const quotas = (items ?? []) as { status?: { used?: object } }[];
    if (quotas.every(({ status }) => status?.used !== undefined)) return;
    await delay(200);
  }
}

async function play(session: ApiSession, request: RequestSpec): Promise<PlayedRequest> {
  const stored =
    request.objectName === undefined ? undefined : await session.send({ method: 'GET', path: objectPath(request) });
  const before = stored?.code === 200 ? normaliseObject(stored.body) : undefined;
  const { code, body, warnings } = await session.send({
    method: methodOf(request),
    path: requestPath(request),
    query: queryOf(request),
    ...(request.body === undefined ? {} : { body: request.body }),
    contentType: contentTypeOf(request),
    user: request.user ?? defaultUser,
  });
  const allowed = code < 400;
  // What validation refuses has passed these plug-ins, or has not come to them: such a request tells nothing.
  if (code === 422 || code === 400) tellNothing.push(`${request.name}: ${JSON.stringify(body)}`);
  const recorded = normaliseAnswer({
    allowed,
    ...(allowed ? {} : { status: body }),
    warnings,
    ...(allowed && storesWholeObject(request) ? { object: body } : {}),
    calls: [],
    auditAnnotations: {},
  });
  return { name: request.name, ...(before === undefined ? {} : { before }), recorded };
}
