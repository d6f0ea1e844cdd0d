import type { KubernetesObject } from '../../../../src/api/object-meta.ts';
import type { JsonObject } from '../../../../src/json/json-value.ts';
import type { PluginWorld } from '../world.ts';
import { container, create, namespace, patch, pod, pods } from './build.ts';

const account = (
  name: string,
  over: JsonObject = {},
  annotations: { [key: string]: string } = {},
): KubernetesObject => ({
  ...{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: 'team', annotations } },
  ...over,
});
const enforce = 'kubernetes.io/enforce-mountable-secrets';
const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const mirror = { 'kubernetes.io/config.mirror': 'x' };
const fromSecret = (name: string): JsonObject => ({ name: 'SECRET', valueFrom: { secretKeyRef: { name, key: 'k' } } });
const strict = (name: string, spec: JsonObject): JsonObject => pod(name, { serviceAccountName: 'strict', ...spec });
const debug = (secret: string): JsonObject => ({
  spec: {
    ephemeralContainers: [
      container('debug', {
        env: [fromSecret(secret)],
        terminationMessagePolicy: 'File',
        imagePullPolicy: 'IfNotPresent',
        resources: {},
        terminationMessagePath: '/dev/termination-log',
      }),
    ],
  },
});

export const serviceAccountWorld: PluginWorld = {
  name: 'service-account',
  plugins: ['ServiceAccount'],
  cluster: [
    namespace('team'),
    namespace('bare'),
    account('default'),
    account('builder', {
      imagePullSecrets: [{ name: 'pull' }, { name: 'pull-more' }],
      automountServiceAccountToken: false,
    }),
    account('strict', { secrets: [{ name: 'known' }], imagePullSecrets: [{ name: 'pull' }] }, { [enforce]: 'true' }),
    account('lax', {}, { [enforce]: 'yes' }),
  ],
  requests: [
    create(pods, 'team', pod('plain')),
    create(pods, 'team', pod('named', { serviceAccountName: 'default' })),
    create(pods, 'team', pod('by-the-old-field', { serviceAccount: 'builder' })),
    create(pods, 'team', pod('builder', { serviceAccountName: 'builder' })),
    create(
      pods,
      'team',
      pod('builder-mounting', {
        serviceAccountName: 'builder',
        automountServiceAccountToken: true,
        imagePullSecrets: [{ name: 'own' }],
      }),
    ),
    create(pods, 'team', pod('not-mounting', { automountServiceAccountToken: false })),
    create(
      pods,
      'team',
      pod('many', {
        containers: [container('a'), container('b', { volumeMounts: [{ name: 'own', mountPath }] })],
        initContainers: [container('init')],
        volumes: [{ name: 'own', emptyDir: {} }],
      }),
    ),
    create(
      pods,
      'team',
      pod('all-mounted', {
        containers: [container('a', { volumeMounts: [{ name: 'own', mountPath }] })],
        volumes: [{ name: 'own', emptyDir: {} }],
      }),
    ),
    create(pods, 'team', pod('own-token-volume', { volumes: [{ name: 'kube-api-access-own', emptyDir: {} }] })),
    create(pods, 'team', pod('unknown', { serviceAccountName: 'unknown' })),
    create(pods, 'bare', pod('without-default')),
    create(
      pods,
      'team',
      strict('listed', {
        volumes: [{ name: 'v', secret: { secretName: 'known' } }],
        containers: [container('main', { env: [fromSecret('known')], envFrom: [{ secretRef: { name: 'known' } }] })],
      }),
    ),
    create(pods, 'team', strict('unlisted-volume', { volumes: [{ name: 'v', secret: { secretName: 'other' } }] })),
    create(pods, 'team', strict('unlisted-env', { containers: [container('main', { env: [fromSecret('other')] })] })),
    create(
      pods,
      'team',
      strict('unlisted-env-from', { containers: [container('main', { envFrom: [{ secretRef: { name: 'other' } }] })] }),
    ),
    create(
      pods,
      'team',
      strict('unlisted-init-env', { initContainers: [container('init', { env: [fromSecret('other')] })] }),
    ),
    create(
      pods,
      'team',
      strict('unlisted-init-env-from', {
        initContainers: [container('init', { envFrom: [{ secretRef: { name: 'other' } }] })],
      }),
    ),
    create(pods, 'team', strict('unlisted-pull', { imagePullSecrets: [{ name: 'pull' }, { name: 'other' }] })),
    create(
      pods,
      'team',
      pod('lax', { serviceAccountName: 'lax', volumes: [{ name: 'v', secret: { secretName: 'other' } }] }),
    ),
    create(pods, 'team', pod('mirror-account', { serviceAccountName: 'default' }, mirror)),
    create(pods, 'team', pod('mirror-secret', { volumes: [{ name: 'v', secret: { secretName: 'known' } }] }, mirror)),
    create(
      pods,
      'team',
      pod('mirror-env', { containers: [container('main', { env: [fromSecret('known')] })] }, mirror),
    ),
    create(pods, 'team', pod('mirror-pull', { imagePullSecrets: [{ name: 'pull' }] }, mirror)),
    create(
      pods,
      'team',
      pod(
        'mirror-token',
        { volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }] },
        mirror,
      ),
    ),
    patch(pods, 'team', strict('debugged', {}), debug('known'), { subresource: 'ephemeralcontainers' }),
    patch(pods, 'team', strict('debugged-unlisted', {}), debug('other'), { subresource: 'ephemeralcontainers' }),
    patch(pods, 'team', pod('patched'), { metadata: { labels: { a: 'b' } } }),
  ],
};
