import { describe, expect, test } from 'vitest';
import type { KubernetesObject } from '../../../src/api/object-meta.ts';
import type { JsonObject } from '../../json/json-value.ts';
import { runPlugin, summaryOf, testNamespace } from '../../../test/run-plugin.ts';
import { serviceAccountPlugin } from './service-account.ts';

const plugin = serviceAccountPlugin({ random: () => 0 });
const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const account = (
  name: string,
  over: JsonObject = {},
  annotations: { [key: string]: string } = {},
): KubernetesObject => ({
  ...{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: testNamespace, annotations } },
  ...over,
});
const pod = (spec: JsonObject, annotations?: JsonObject): JsonObject => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: { name: 'web', ...(annotations === undefined ? {} : { annotations }) },
  spec: { containers: [{ name: 'web' }], ...spec },
});
const noToken = { automountServiceAccountToken: false };
const cluster = [
  account('default'),
  account('builder', { imagePullSecrets: [{ name: 'pull' }], ...noToken }),
  account(
    'strict',
    { secrets: [{ name: 'known' }], imagePullSecrets: [{ name: 'pull' }] },
    { 'kubernetes.io/enforce-mountable-secrets': 'true' },
  ),
];
const run = (object: JsonObject, over: Partial<Parameters<typeof runPlugin>[1]> = {}) =>
  runPlugin(plugin, { object, cluster, ...over });

describe('serviceAccountPlugin', () => {
  test('names the account and mounts its token into every container', async () => {
    const own = { name: 'own', volumeMounts: [{ name: 'mine', mountPath }] };
    const { object } = await run(pod({ initContainers: [{ name: 'init' }], containers: [{ name: 'web' }, own] }));
    const volumeMounts = [{ name: 'kube-api-access-bbbbb', readOnly: true, mountPath }];
    expect(object).toMatchObject({
      spec: {
        serviceAccountName: 'default',
        serviceAccount: 'default',
        initContainers: [{ name: 'init', volumeMounts }],
        containers: [{ name: 'web', volumeMounts }, own],
        volumes: [
          {
            name: 'kube-api-access-bbbbb',
            projected: {
              defaultMode: 420,
              sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 3607 } }, {}, {}],
            },
          },
        ],
      },
    });
  });

  test('uses the token volume there is', async () => {
    const volumes = [{ name: 'kube-api-access-mine' }];
    const { object } = await run(pod({ volumes }));
    expect(object).toMatchObject({
      spec: { volumes, containers: [{ volumeMounts: [{ name: 'kube-api-access-mine' }] }] },
    });
  });

  test('names volumes by the random numbers it is given', async () => {
    let next = 0;
    const random = () => (next++ % 27) / 27;
    const { object } = await runPlugin(serviceAccountPlugin({ random }), { object: pod({}), cluster });
    expect(object).toMatchObject({ spec: { volumes: [{ name: 'kube-api-access-bcdfg' }] } });
  });

  test.each([
    ['the Pod says no', { ...noToken, serviceAccountName: 'default' }, 'unchanged'],
    ['the account says no', { serviceAccountName: 'builder', imagePullSecrets: [{ name: 'x' }] }, 'unchanged'],
    [
      'the account says no, by the old field',
      { serviceAccount: 'builder', imagePullSecrets: [{ name: 'x' }] },
      'unchanged',
    ],
  ])('mounts nothing when %s', async (_, spec, expected) => {
    const object = pod(spec);
    expect(summaryOf(await run(object), object)).toBe(expected);
  });

  test('mounts when the Pod says yes, and copies the pull secrets', async () => {
    const { object } = await run(pod({ serviceAccountName: 'builder', automountServiceAccountToken: true }));
    expect(object).toMatchObject({
      spec: { imagePullSecrets: [{ name: 'pull' }], volumes: [{ name: 'kube-api-access-bbbbb' }] },
    });
  });

  const mirror = { 'kubernetes.io/config.mirror': 'x' };
  const strict = (spec: JsonObject) => pod({ serviceAccountName: 'strict', ...noToken, ...spec });
  const from = (name: string) => ({ name: 'v', valueFrom: { secretKeyRef: { name, key: 'k' } } });
  const unlisted = 'is not allowed because service account strict does not reference that secret';
  test.each([
    [
      pod({ serviceAccountName: 'none' }),
      'error looking up service account team/none: serviceaccount "none" not found',
    ],
    [pod({ serviceAccountName: 'default' }, mirror), 'a mirror pod may not reference service accounts'],
    [pod({ imagePullSecrets: [{ name: 'a' }] }, mirror), 'a mirror pod may not reference secrets'],
    [pod({ volumes: [{ name: 'v', secret: { secretName: 'a' } }] }, mirror), 'a mirror pod may not reference secrets'],
    [
      pod({ volumes: [{ name: 'v', csi: { nodePublishSecretRef: { name: 'a' } } }] }, mirror),
      'a mirror pod may not reference secrets',
    ],
    [
      pod({ volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: {} }] } }] }, mirror),
      'a mirror pod may not use ServiceAccountToken volume projections',
    ],
    [
      strict({ volumes: [{ name: 'v', secret: { secretName: 'other' } }] }),
      `volume with secret.secretName="other" ${unlisted}`,
    ],
    [
      strict({ initContainers: [{ name: 'i', env: [from('other')] }] }),
      `init container i with envVar v referencing secret.secretName="other" ${unlisted}`,
    ],
    [
      strict({ containers: [{ name: 'c', envFrom: [{ secretRef: { name: 'other' } }] }] }),
      `container c with envFrom referencing secret.secretName="other" ${unlisted}`,
    ],
    [
      strict({ imagePullSecrets: [{ name: 'other' }] }),
      'imagePullSecrets[0].name="other" is not allowed because service account strict does not reference that imagePullSecret',
    ],
  ])('refuses %j', async (object, reason) => {
    expect(summaryOf(await run(object), object)).toBe(`403 Forbidden: pods "web" is forbidden: ${reason}`);
  });

  test.each([
    ['a mirror Pod', pod({}, mirror)],
    [
      'listed secrets',
      strict({
        imagePullSecrets: [{ name: 'pull' }],
        volumes: [{ name: 'v', secret: { secretName: 'known' } }],
        containers: [{ name: 'c', env: [from('known')] }],
      }),
    ],
  ])('leaves %s alone', async (_, object) => {
    expect(summaryOf(await run(object), object)).toBe('unchanged');
  });

  const debug = (secret: string) => strict({ ephemeralContainers: [{ name: 'd', env: [from(secret)] }] });
  test.each([
    [debug('known'), 'ephemeralcontainers', 'unchanged'],
    [
      debug('other'),
      'ephemeralcontainers',
      `500 : ephemeral container d with envVar v referencing secret.secretName="other" ${unlisted}`,
    ],
    [debug('other'), '', 'unchanged'],
    [
      pod({}),
      'ephemeralcontainers',
      '403 Forbidden: pods "web" is forbidden: no service account specified for pod team/web',
    ],
    [pod({ serviceAccountName: 'none' }), 'status', 'unchanged'],
  ])('judges the update %j of %j', async (object, subresource, expected) => {
    expect(summaryOf(await run(object, { oldObject: object, subresource }), object)).toBe(expected);
  });
});
