import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isMap, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { parseManifests } from '../api/manifest.ts';
import { parseApiVersion } from '../api/resource.ts';
import { parseResourceName } from '../api/resource-name.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import type { PluginFlags, WebhookClient } from '../chain/index.ts';
import { SallyportError } from '../errors.ts';
import { diff, type JsonValue } from '../json/index.ts';
import { OfflineReview, type ReviewedManifest } from '../review/offline-review.ts';
import type { RequestOptions } from '../review/request.ts';
import { readWebhookSources } from '../review/webhook-sources.ts';
import { readManifestFiles } from '../sources/manifest-files.ts';
import { silentLogger, type Logger } from '../telemetry/index.ts';

const object = z.record(z.string(), z.unknown());
const objectOrFile = z.union([z.string(), object]);

const caseSchema = z.strictObject({
  name: z.string().min(1),
  /** The object, or a file that holds exactly one. */
  object: objectOrFile,
  oldObject: objectOrFile.optional(),
  operation: z.enum(['CREATE', 'UPDATE', 'DELETE', 'CONNECT']).optional(),
  subresource: z.string().optional(),
  /** Where it does not follow from the kind: `deployments.apps/v1`. */
  resource: z.string().optional(),
  user: z.strictObject({ username: z.string(), groups: z.array(z.string()).default([]) }).optional(),
  dryRun: z.boolean().optional(),
  /** Objects of the cluster for this case, beside those of the suite: objects, or files. */
  state: z.array(objectOrFile).default([]),
  expect: z
    .strictObject({
      /** `changed` is an allowed object that differs from what was sent. */
      decision: z.enum(['allowed', 'changed', 'denied']),
      /** A part of the message that the client sees. */
      message: z.string().optional(),
      /** All warnings, in order. */
      warnings: z.array(z.string()).optional(),
      /** Fields of the object by path, such as `spec.containers[0].image`; null for a field that must not be there. */
      fields: z.record(z.string(), z.unknown()).optional(),
      /** The whole object. */
      object: object.optional(),
    })
    .refine(({ decision, message }) => message === undefined || decision === 'denied', {
      error: '"message" goes with decision "denied"',
    }),
});

const suiteSchema = z.strictObject({
  apiVersion: z.literal('config.sallyport.dev/v1alpha1'),
  kind: z.literal('AdmissionTest'),
  metadata: z.looseObject({}).optional(),
  /** Files and folders of webhooks, of ours or configurations; relative to the suite. */
  webhooks: z.array(z.string()).default([]),
  /** Objects of the cluster: objects, or files. When left out, every namespace that is named exists. */
  state: z.array(objectOrFile).optional(),
  enableAdmissionPlugins: z.array(z.string()).default([]),
  disableAdmissionPlugins: z.array(z.string()).default([]),
  tests: z.array(caseSchema).min(1),
});

type Suite = z.output<typeof suiteSchema>;
type Case = Suite['tests'][number];

/** A suite that cannot be read or run: the file, the line and what was expected. */
export class AdmissionSuiteError extends SallyportError {
  readonly code = 'SALLYPORT_ADMISSION_SUITE';
}

export interface AdmissionSuiteOptions {
  /** Where faults of webhooks are told, with what their handlers threw. Default: nowhere. */
  readonly log?: Logger;
}

/** One case of a suite, to be run once. */
export interface AdmissionCase {
  readonly name: string;
  readonly file: string;
  /** Where the case begins. */
  readonly line: number;
  /** Resolves with what was found; rejects with {@link AdmissionSuiteError} when the case names what is not there. */
  readonly run: () => Promise<AdmissionCaseResult>;
}

export interface AdmissionCaseResult {
  /** What differs from the expectation, a sentence each; empty when nothing does. */
  readonly failures: readonly string[];
  readonly reviewed: ReviewedManifest;
}

/**
 * Reads a suite, `*.admission-test.yaml`. Each case is reviewed by the API server's chain in a cluster of its own.
 *
 *     for (const { name, run } of await readAdmissionSuite('tests/pods.admission-test.yaml')) {
 *       test(name, async () => expect((await run()).failures).toEqual([]));
 *     }
 *
 * Throws {@link AdmissionSuiteError} naming file and line.
 */
export async function readAdmissionSuite(file: string, options: AdmissionSuiteOptions = {}): Promise<AdmissionCase[]> {
  const { log = silentLogger } = options;
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new AdmissionSuiteError(`${file}: cannot be read; expected an AdmissionTest in YAML`, { cause });
  });
  const lines = new LineCounter();
  // For the lines; what it says is read as manifests are, since it holds manifests.
  const document = parseDocument(text, { lineCounter: lines, version: '1.1', merge: true });
  const lineAt = (path: readonly PropertyKey[]): number => {
    for (let length = path.length; length >= 0; length -= 1) {
      const node: unknown = document.getIn(path.slice(0, length), true);
      if (isMap(node) && node.range != null) return lines.linePos(node.range[0]).line;
    }
    return 1;
  };
  const [syntax] = document.errors;
  if (syntax !== undefined) {
    const { line } = lines.linePos(syntax.pos[0]);
    throw new AdmissionSuiteError(`${file}:${line}: ${syntax.message.split('\n')[0]}`);
  }
  const { manifests, problems: unread } = parseManifests(text, file);
  const [problem] = unread;
  if (problem !== undefined) throw new AdmissionSuiteError(`${file}:${problem.line}: ${problem.message}`);
  const parsed = suiteSchema.safeParse(manifests[0]?.object);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      ({ path, message }) => `${file}:${lineAt(path)}: ${path.join('.')}: ${message}`,
    );
    throw new AdmissionSuiteError(problems.join('\n'));
  }
  const suite = parsed.data;
  return suite.tests.map((each, index) => ({
    name: each.name,
    file,
    line: lineAt(['tests', index]),
    run: () => runCase(suite, each, dirname(file), log),
  }));
}

async function runCase(suite: Suite, each: Case, folder: string, log: Logger): Promise<AdmissionCaseResult> {
  const manifest = await readObject(each.object, folder);
  const plugins: PluginFlags = { enable: suite.enableAdmissionPlugins, disable: suite.disableAdmissionPlugins };
  const entries = [...(suite.state ?? []), ...each.state];
  const state = (await Promise.all(entries.map((entry) => readObjects(entry, folder)))).flat();
  const review = await OfflineReview.open(
    {
      ...(await readWebhookSources(suite.webhooks.map((path) => resolve(folder, path)))),
      state: suite.state === undefined && each.state.length === 0 ? undefined : state,
      plugins,
      elsewhere: httpsClient,
      log,
    },
    [],
  );
  const { apiVersion = '', kind = '' } = manifest;
  const reviewed = await review.review(
    { object: manifest, kind: { ...parseApiVersion(apiVersion), kind }, file: '', line: 0 },
    await requestOptions(each, folder),
  );
  return { failures: compare(each.expect, reviewed), reviewed };
}

async function httpsClient(): Promise<WebhookClient> {
  const { HttpsWebhookClient } = await import('../chain/webhook/https-client.ts');
  return new HttpsWebhookClient();
}

async function requestOptions(each: Case, folder: string): Promise<RequestOptions> {
  const { operation, subresource, user, dryRun } = each;
  const parsed = each.resource === undefined ? undefined : parseResourceName(each.resource);
  if (parsed !== undefined && 'problem' in parsed)
    throw new AdmissionSuiteError(`${each.name}: resource: ${parsed.problem}`);
  return {
    operation,
    subresource,
    user,
    dryRun,
    oldObject: each.oldObject === undefined ? undefined : await readObject(each.oldObject, folder),
    resource:
      parsed === undefined
        ? undefined
        : { group: parsed.group, version: parsed.version ?? 'v1', resource: parsed.resource },
  };
}

async function readObject(entry: string | Record<string, unknown>, folder: string): Promise<KubernetesObject> {
  const [only, ...others] = await readObjects(entry, folder);
  if (only === undefined || others.length > 0)
    throw new AdmissionSuiteError(`${typeof entry === 'string' ? entry : 'an object'}: expected exactly one object`);
  return only;
}

async function readObjects(entry: string | Record<string, unknown>, folder: string): Promise<KubernetesObject[]> {
  if (typeof entry !== 'string') return [entry];
  const { manifests, problems } = await readManifestFiles([resolve(folder, entry)]);
  const [problem] = problems;
  if (problem !== undefined) throw new AdmissionSuiteError(`${problem.file}:${problem.line}: ${problem.message}`);
  return manifests.map((manifest) => manifest.object);
}

function compare(expected: Case['expect'], { attributes, outcome }: ReviewedManifest): string[] {
  const failures: string[] = [];
  const changed = outcome.allowed && outcome.object !== null && diff(attributes.object, outcome.object).length > 0;
  const decision = !outcome.allowed ? 'denied' : changed ? 'changed' : 'allowed';
  if (decision !== expected.decision) {
    const why = outcome.status?.message === undefined ? '' : `: ${outcome.status.message}`;
    failures.push(`expected ${expected.decision}, but it is ${decision}${why}`);
  }
  const { message = '' } = outcome.status ?? {};
  if (expected.message !== undefined && !message.includes(expected.message)) {
    failures.push(`expected the message to contain "${expected.message}", but it is "${message}"`);
  }
  if (expected.warnings !== undefined && !isDeepStrictEqual(outcome.warnings, expected.warnings)) {
    failures.push(
      `expected the warnings ${JSON.stringify(expected.warnings)}, but they are ${JSON.stringify(outcome.warnings)}`,
    );
  }
  for (const [path, value] of Object.entries(expected.fields ?? {})) {
    const actual = fieldAt(outcome.object, path);
    if (!isDeepStrictEqual(actual ?? null, value)) {
      failures.push(`expected ${path} to be ${JSON.stringify(value)}, but it is ${JSON.stringify(actual) ?? 'absent'}`);
    }
  }
  if (expected.object !== undefined) {
    // What YAML gives is JSON.
    const differences = diff(expected.object as JsonValue, outcome.object);
    if (differences.length > 0)
      failures.push(`the object differs from what was expected: ${JSON.stringify(differences)}`);
  }
  return failures;
}

/** `spec.containers[0].image`, `metadata.labels["app.kubernetes.io/name"]`. */
function fieldAt(object: JsonValue, path: string): JsonValue | undefined {
  let current: JsonValue | undefined = object;
  for (const match of path.matchAll(/\[(\d+)\]|\["([^"]*)"\]|([^.[\]]+)/g)) {
    if (typeof current !== 'object' || current === null) return undefined;
    const [, index, quoted, plain] = match;
    const key: string = index ?? quoted ?? plain ?? '';
    const holder: Readonly<Record<string, JsonValue>> = current as Readonly<Record<string, JsonValue>>;
    current = Object.hasOwn(holder, key) ? holder[key] : undefined;
  }
  return current;
}
