import type { JsonObject, JsonValue } from '../../../src/json/json-value.ts';

/** Webhook configurations, most of them wrong in one way; the API server is asked to store each in a dry run. */

/** The one webhook of a configuration that is right, with parts exchanged; a part that is null is left out. */
function hook(over: JsonObject = {}): JsonObject {
  const members = {
    name: 'a.golden.example.com',
    clientConfig: { url: 'https://example.com/path' },
    rules: [rule()],
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    ...over,
  };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));
}

function rule(over: JsonObject = {}): JsonObject {
  return { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], ...over };
}

function configuration(webhooks: JsonValue[], metadata: JsonObject = {}, kind = 'Mutating'): JsonObject {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: `${kind}WebhookConfiguration`,
    metadata: { name: 'golden', ...metadata },
    webhooks,
  };
}

const one = (over: JsonObject): JsonObject => configuration([hook(over)]);
const rules = (...list: JsonObject[]): JsonObject => one({ rules: list.map(rule) });
const url = (text: string): JsonObject => one({ clientConfig: { url: text } });
const service = (over: JsonObject): JsonObject =>
  one({ clientConfig: { service: { name: 'n', namespace: 'ns', ...over } } });
const objectSelector = (selector: JsonObject): JsonObject => one({ objectSelector: selector });
const conditions = (...expressions: string[]): JsonObject =>
  one({ matchConditions: expressions.map((expression, index) => ({ name: `c${index}`, expression })) });

export const configurations: { readonly [name: string]: JsonObject } = {
  plain: configuration([hook()]),
  validating: configuration([hook()], {}, 'Validating'),
  'no-webhooks': configuration([]),
  'no-rules': one({ rules: [] }),
  'no-name': one({ name: '' }),
  'short-name': one({ name: 'a.b' }),
  'bad-name': one({ name: 'A_b.c.d' }),
  'long-name': one({ name: `${'a'.repeat(250)}.b.c` }),
  'same-names': configuration([hook(), hook({ name: 'b.golden.example.com' }), hook()]),
  'metadata-bad-name': configuration([hook()], { name: 'Not_A_Name' }),
  'metadata-long-name': configuration([hook()], { name: 'a'.repeat(254) }),
  'metadata-no-name': configuration([hook()], { name: '' }),
  'metadata-generated': configuration([hook()], { name: '', generateName: 'golden-' }),
  'metadata-bad-label': configuration([hook()], { labels: { '-bad': 'x' } }),
  'metadata-bad-label-value': configuration([hook()], { labels: { a: 'not ok' } }),
  'metadata-bad-annotation': configuration([hook()], { annotations: { 'a b': 'x' } }),
  'metadata-static': configuration([hook()], { name: 'golden.static.k8s.io' }),
  'no-client-config': one({ clientConfig: {} }),
  'both-client-configs': one({ clientConfig: { url: 'https://example.com', service: { name: 'n', namespace: 'ns' } } }),
  'bad-ca-bundle': one({ clientConfig: { url: 'https://example.com', caBundle: 'bm8gUEVN' } }),
  'url-http': url('http://example.com'),
  'url-capital': url('HTTPS://example.com/x'),
  'url-no-scheme': url('example.com'),
  'url-no-host': url('https:///path'),
  'url-user': url('https://me:secret@example.com'),
  'url-user-only': url('https://me@example.com'),
  'url-fragment': url('https://example.com#part'),
  'url-empty-fragment': url('https://example.com#'),
  'url-query': url('https://example.com?a=b'),
  'url-empty-query': url('https://example.com?'),
  'url-everything': url('http://me@/?a#b'),
  'url-bad-port': url('https://example.com:abc'),
  'url-big-port': url('https://example.com:99999/x'),
  'url-escape': url('https://example.com/%zz'),
  'url-control': url('https://example.com/\u0007'),
  'url-space': url('https://exa mple.com/'),
  'url-ipv6': url('https://[::1]:8443/x'),
  'url-bad-ipv6': url('https://[::1/x'),
  'url-empty': url(''),
  'service-plain': service({}),
  'service-no-name': service({ name: '' }),
  'service-no-namespace': service({ namespace: '' }),
  'service-odd-name': service({ name: 'Not_A_Name' }),
  'service-port-zero': service({ port: 0 }),
  'service-port-big': service({ port: 65536 }),
  'service-port-negative': service({ port: -1 }),
  'path-root': service({ path: '/' }),
  'path-empty': service({ path: '' }),
  'path-two-slashes': service({ path: '//' }),
  'path-no-slash': service({ path: 'foo/bar' }),
  'path-trailing': service({ path: '/foo/bar/' }),
  'path-empty-segment': service({ path: '/foo//bar' }),
  'path-bad-segment': service({ path: '/Foo/b_r' }),
  'path-query': service({ path: '/foo?x' }),
  'failure-policy': one({ failurePolicy: 'Maybe' }),
  'match-policy': one({ matchPolicy: 'Similar' }),
  'reinvocation-policy': one({ reinvocationPolicy: 'Always' }),
  'no-side-effects': one({ sideEffects: null }),
  'some-side-effects': one({ sideEffects: 'Some' }),
  'unknown-side-effects': one({ sideEffects: 'Unknown' }),
  'timeout-zero': one({ timeoutSeconds: 0 }),
  'timeout-long': one({ timeoutSeconds: 31 }),
  'timeout-most': one({ timeoutSeconds: 30 }),
  'no-versions': one({ admissionReviewVersions: [] }),
  'missing-versions': one({ admissionReviewVersions: null }),
  'unknown-versions': one({ admissionReviewVersions: ['v2', 'v3'] }),
  'unknown-and-known': one({ admissionReviewVersions: ['v2', 'v1beta1'] }),
  'repeated-versions': one({ admissionReviewVersions: ['v1', 'v1', 'v1beta1'] }),
  'bad-versions': one({ admissionReviewVersions: ['V1', '', 'v1'] }),
  'no-operations': rules({ operations: [] }),
  'bad-operation': rules({ operations: ['PATCH', 'create'] }),
  'star-and-operation': rules({ operations: ['*', 'CREATE'] }),
  'no-groups': rules({ apiGroups: [] }),
  'star-and-group': rules({ apiGroups: ['apps', '*'] }),
  'odd-group': rules({ apiGroups: ['Not A Group'] }),
  'no-api-versions': rules({ apiVersions: [] }),
  'empty-version': rules({ apiVersions: ['', 'v1'] }),
  'star-and-version': rules({ apiVersions: ['*', 'v1'] }),
  'no-resources': rules({ resources: [] }),
  'empty-resource': rules({ resources: ['', 'pods'] }),
  'star-star-and-more': rules({ resources: ['*/*', 'pods'] }),
  'star-then-pods': rules({ resources: ['*', 'pods'] }),
  'pods-then-star': rules({ resources: ['pods', '*'] }),
  'star-pods-star': rules({ resources: ['*', 'pods', '*'] }),
  'star-then-subresource': rules({ resources: ['*', 'pods/status'] }),
  'all-subresources-then-one': rules({ resources: ['pods/*', 'pods/status'] }),
  'one-then-all-subresources': rules({ resources: ['pods/status', 'pods/*'] }),
  'status-of-all-then-one': rules({ resources: ['*/status', 'pods/status'] }),
  'one-then-status-of-all': rules({ resources: ['pods/status', '*/status'] }),
  'two-wildcards': rules({ resources: ['pods/*', '*/status', 'pods/status'] }),
  'repeated-resource': rules({ resources: ['pods', 'pods'] }),
  'bad-scope': rules({ scope: 'Everywhere' }),
  'second-rule': rules({}, { operations: [], resources: [] }),
  'selector-operator': objectSelector({ matchExpressions: [{ key: 'a', operator: 'Is', values: ['b'] }] }),
  'selector-in-none': objectSelector({ matchExpressions: [{ key: 'a', operator: 'In' }] }),
  'selector-exists-some': objectSelector({ matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] }),
  'selector-bad-key': objectSelector({ matchExpressions: [{ key: 'a b', operator: 'Exists' }] }),
  'selector-bad-value': objectSelector({ matchExpressions: [{ key: 'a', operator: 'In', values: ['ok', 'not ok'] }] }),
  'selector-bad-label': objectSelector({ matchLabels: { 'a/b/c': 'x' } }),
  'selector-bad-label-value': objectSelector({ matchLabels: { a: '-' } }),
  'namespace-selector': one({ namespaceSelector: { matchExpressions: [{ key: '', operator: 'DoesNotExist' }] } }),
  'conditions-fine': conditions('true', "object.metadata.name == 'a'", ' true '),
  'conditions-empty': conditions('', '  '),
  'conditions-dyn': conditions('object.spec.paused'),
  'conditions-string': conditions("'yes'"),
  'conditions-syntax': conditions('object.', 'a ==', '1 +* 2'),
  'conditions-undeclared': conditions('params.x == 1', 'variables.y', 'nothing'),
  'conditions-field': conditions('request.uid == "x"', 'request.object != null'),
  'conditions-overload': conditions("1 + 'a' == 2", 'object.metadata.name.nothing()'),
  'conditions-regex': conditions("'a'.matches('[')"),
  'conditions-literals': conditions('[1, "a"] == []'),
  'conditions-multiline': conditions('true &&\n  object.spec.x ==\n  nothing'),
  'conditions-no-name': one({ matchConditions: [{ name: '', expression: 'true' }] }),
  'conditions-bad-name': one({ matchConditions: [{ name: 'a b', expression: 'true' }] }),
  'conditions-prefixed-name': one({ matchConditions: [{ name: 'example.com/a', expression: 'true' }] }),
  'conditions-same-names': one({
    matchConditions: [
      { name: 'a', expression: 'true' },
      { name: 'a', expression: 'false' },
    ],
  }),
  'conditions-many': conditions(...Array.from({ length: 65 }, () => 'true')),
  everything: configuration(
    [
      hook({
        name: 'x',
        failurePolicy: 'x',
        matchPolicy: 'x',
        sideEffects: 'x',
        timeoutSeconds: 99,
        admissionReviewVersions: ['x'],
        clientConfig: {},
        rules: [rule({ operations: [], apiGroups: [], apiVersions: [], resources: [], scope: 'x' })],
      }),
    ],
    {},
    'Validating',
  ),
};
