import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  RuleWithOperations,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '../../../../src/api/webhook-configuration.ts';
import type { GroupVersionResource } from '../../../../src/api/resource.ts';
import type { JsonObject, JsonValue } from '../../../../src/json/json-value.ts';
import type { Behaviour, MutationRule } from '../behaviour.ts';
import { goldenGroup, widgets } from '../cluster.ts';
import type { RequestSpec } from '../scenario.ts';

/** Words from which the worlds are built. Everything not said is what most scenarios want. */

export function mutating(name: string, webhooks: MutatingWebhook[]): MutatingWebhookConfiguration {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name },
    webhooks,
  };
}

export function validating(name: string, webhooks: ValidatingWebhook[]): ValidatingWebhookConfiguration {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name },
    webhooks,
  };
}

/** A webhook for every write of v1 widgets; `name` gets the domain it needs. */
export function webhook(name: string, over: Partial<MutatingWebhook> = {}): MutatingWebhook {
  return {
    name: hookName(name),
    clientConfig: {},
    rules: [rule({})],
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    timeoutSeconds: 5,
    ...over,
  };
}

export function hookName(name: string): string {
  return `${name}.golden.example.com`;
}

export function rule(over: Partial<RuleWithOperations>): RuleWithOperations {
  return { operations: ['*'], apiGroups: [goldenGroup], apiVersions: ['v1'], resources: ['widgets'], ...over };
}

/** Behaviours by the short names of their webhooks. */
export function behaviours(byName: { readonly [name: string]: Behaviour }): { [webhook: string]: Behaviour } {
  return Object.fromEntries(Object.entries(byName).map(([name, behaviour]) => [hookName(name), behaviour]));
}

export const allow: Behaviour = { kind: 'answer' };

export function deny(status?: JsonObject): Behaviour {
  return { kind: 'answer', response: { allowed: false, ...(status === undefined ? {} : { status }) } };
}

export function patches(...operations: JsonObject[]): Behaviour {
  return { kind: 'mutate', rules: [{ operations }] };
}

export function mutates(...rules: MutationRule[]): Behaviour {
  return { kind: 'mutate', rules };
}

/** Sets `spec.<key>`, which is there already or not. */
export function sets(key: string, value: JsonValue): JsonObject {
  return { op: 'add', path: `/spec/${key}`, value };
}

/** An answer whose patch is this text. */
export function patchText(text: string, over: JsonObject = {}): Behaviour {
  const patch = Buffer.from(text).toString('base64');
  return { kind: 'answer', response: { patch, patchType: 'JSONPatch', ...over } };
}

export interface WidgetFacts {
  readonly labels?: { readonly [key: string]: string };
  readonly spec?: JsonObject;
  readonly version?: 'v1' | 'v1beta1' | 'v1alpha1';
}

export function widget(name: string, { labels, spec = {}, version = 'v1' }: WidgetFacts = {}): JsonObject {
  return {
    apiVersion: `${goldenGroup}/${version}`,
    kind: 'Widget',
    metadata: { name, ...(labels === undefined ? {} : { labels: { ...labels } }) },
    spec: { flavour: 'plain', ...spec },
  };
}

interface Common extends WidgetFacts, Pick<RequestSpec, 'dryRun' | 'user' | 'query'> {
  readonly namespace?: string;
  /** What the object in the cluster is like; only for verbs that need one. */
  readonly stored?: WidgetFacts;
}

/** Requests for widgets; the object is called as the request. */
export function create(name: string, facts: Common = {}): RequestSpec {
  return { ...common(name, 'create', facts), body: widget(name, facts) };
}

export function update(name: string, facts: Common = {}): RequestSpec {
  return {
    ...common(name, 'update', facts),
    objectName: name,
    body: widget(name, facts),
    existing: stored(name, facts),
  };
}

export function patch(name: string, body: JsonObject, facts: Common = {}): RequestSpec {
  return { ...common(name, 'patch', facts), objectName: name, body, existing: stored(name, facts) };
}

export function remove(name: string, facts: Common = {}): RequestSpec {
  return { ...common(name, 'delete', facts), objectName: name, existing: stored(name, facts) };
}

export function scale(name: string, replicas: number, facts: Common = {}): RequestSpec {
  const namespace = facts.namespace ?? 'plain';
  const body = {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name, namespace },
    // As the API server serves it: its Go type leaves a zero out.
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: 0 },
  };
  return {
    ...common(name, 'update', facts),
    subresource: 'scale',
    objectName: name,
    body,
    existing: stored(name, { ...facts, stored: { ...facts.stored, spec: { replicas: 1, ...facts.stored?.spec } } }),
  };
}

/** A request for some other resource. */
export function request(
  name: string,
  verb: RequestSpec['verb'],
  resource: GroupVersionResource,
  over: Partial<RequestSpec> = {},
): RequestSpec {
  return { name, verb, resource, ...over };
}

function common(
  name: string,
  verb: RequestSpec['verb'],
  { namespace = 'plain', version, dryRun, user, query }: Common,
): RequestSpec {
  return {
    name,
    verb,
    resource: widgets(version),
    namespace,
    ...(dryRun === undefined ? {} : { dryRun }),
    ...(user === undefined ? {} : { user }),
    ...(query === undefined ? {} : { query }),
  };
}

/** Stored in the version it is asked for, so that nothing of it depends on who made it. */
function stored(name: string, { stored: facts = {}, version = 'v1' }: Common): JsonObject {
  return widget(name, { version, ...facts });
}

/** One webhook and one request for each behaviour, held together by a label: many cases in one world. */
export function cases(
  prefix: string,
  byName: { readonly [name: string]: Behaviour },
  over: Partial<MutatingWebhook> = {},
  facts: Common = {},
): {
  readonly webhooks: MutatingWebhook[];
  readonly behaviours: { [webhook: string]: Behaviour };
  readonly requests: RequestSpec[];
} {
  const names = Object.keys(byName);
  return {
    webhooks: names.map((name) =>
      webhook(`${prefix}-${name}`, { objectSelector: { matchLabels: { case: name } }, ...over }),
    ),
    behaviours: behaviours(Object.fromEntries(names.map((name) => [`${prefix}-${name}`, byName[name] ?? allow]))),
    requests: names.map((name) => create(`${prefix}-${name}`, { ...facts, labels: { case: name } })),
  };
}

export const coreNamespaces: GroupVersionResource = { group: '', version: 'v1', resource: 'namespaces' };
export const configMaps: GroupVersionResource = { group: '', version: 'v1', resource: 'configmaps' };
export const pods: GroupVersionResource = { group: '', version: 'v1', resource: 'pods' };

/** A Namespace as the API server stores it; it fills in the rest between the walks, which the engine does not. */
export function namespaceObject(name: string, labels: { readonly [key: string]: string } = {}): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'kubernetes.io/metadata.name': name, ...labels } },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  };
}

export function configMap(name: string, labels?: { readonly [key: string]: string }): JsonObject {
  const metadata = { name, ...(labels === undefined ? {} : { labels: { ...labels } }) };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { a: 'b' } };
}

export function custom(
  kind: 'ClusterWidget' | 'Namespace',
  name: string,
  labels?: { readonly [key: string]: string },
): JsonObject {
  const metadata = { name, ...(labels === undefined ? {} : { labels: { ...labels } }) };
  return { apiVersion: `${goldenGroup}/v1`, kind, metadata, spec: { flavour: 'plain' } };
}

/** A Pod that nobody starts. */
export function pod(name: string, labels?: { readonly [key: string]: string }): JsonObject {
  const metadata = { name, ...(labels === undefined ? {} : { labels: { ...labels } }) };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec: { containers: [{ name: 'main', image: 'registry.example.com/main:1' }] },
  };
}
