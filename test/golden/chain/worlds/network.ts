import type { WebhookClientConfig } from '../../../../src/api/webhook-configuration.ts';
import type { Behaviour } from '../behaviour.ts';
import type { World } from '../scenario.ts';
import { allow, behaviours, create, hookName, mutating, patches, sets, validating, webhook } from './build.ts';

const at = (path: string): WebhookClientConfig => ({ url: `https://127.0.0.1:$PORT${path}`, caBundle: '$CA' });

/** Webhooks that are somewhere else than they should be, or not quite themselves. */
const places: { readonly [name: string]: WebhookClientConfig } = {
  refused: { url: 'https://127.0.0.1:1/x', caBundle: '$CA' },
  'other-ca': { url: 'https://127.0.0.1:$PORT/x', caBundle: '$OTHER_CA' },
  'no-ca': { url: 'https://127.0.0.1:$PORT/x' },
  'no-pem': { url: 'https://127.0.0.1:$PORT/x', caBundle: Buffer.from('no PEM at all').toString('base64') },
  'other-name': { url: 'https://127.0.0.2:$PORT/x', caBundle: '$CA' },
  plain: { url: 'https://127.0.0.1:$PLAIN_PORT/x', caBundle: '$CA' },
  localhost: { url: 'https://localhost:$PORT/localhost', caBundle: '$CA' },
  'capital-scheme': { url: 'HTTPS://127.0.0.1:$PORT/capital-scheme', caBundle: '$CA' },
  'trailing-slash': at('/trailing-slash/'),
  'two-slashes': at('//a//two-slashes'),
  dots: at('/a/./b/../dots'),
  escaped: at('/a%2Fb/%7Ec%20d/%C3%BC/escaped'),
  special: at("/a!b'c(d)e*f/$&+,;=:@/special"),
  'no-path': at(''),
  nowhere: at('/nothing/here'),
};

const answers: { readonly [name: string]: Behaviour } = {
  ...Object.fromEntries(
    ['localhost', 'capital-scheme', 'trailing-slash', 'two-slashes', 'dots', 'escaped', 'special'].map((name) => [
      name,
      allow,
    ]),
  ),
};

/** Behaviours that only show on a real connection. */
const connections: { readonly [name: string]: Behaviour } = {
  drop: { kind: 'drop' },
  cut: { kind: 'cut' },
  gzip: {
    kind: 'raw',
    gzip: true,
    body: '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"$UID","allowed":false}}',
  },
  'moved-307': { kind: 'raw', status: 307, headers: { location: `/${hookName('target')}` } },
  'moved-308': { kind: 'raw', status: 308, headers: { location: `/${hookName('target')}?timeout=1s` } },
  'moved-301': { kind: 'raw', status: 301, headers: { location: `/${hookName('target')}` } },
  'moved-302': { kind: 'raw', status: 302, headers: { location: `/${hookName('target')}` } },
  'moved-303': { kind: 'raw', status: 303, headers: { location: `/${hookName('target')}` } },
  'moved-nowhere': { kind: 'raw', status: 307, headers: {} },
  'moved-in-circles': { kind: 'raw', status: 307, headers: { location: `/${hookName('moved-in-circles')}` } },
  slow: { kind: 'hang' },
  'not-modified': { kind: 'raw', status: 304, headers: {} },
};

export const network: readonly World[] = [
  {
    name: 'network-places',
    about: 'where a webhook is called, and what is said when nobody is there',
    overNetwork: true,
    mutating: [
      mutating(
        'network-places',
        Object.entries(places).map(([name, clientConfig]) =>
          webhook(`place-${name}`, { clientConfig, objectSelector: { matchLabels: { case: name } } }),
        ),
      ),
    ],
    // The server goes by the last part of the path, which here is not the name of the webhook.
    behaviours: answers,
    requests: Object.keys(places).map((name) => create(`network-${name}`, { labels: { case: name } })),
  },
  {
    name: 'network-connections',
    about: 'what becomes of connections, redirects and compressed answers',
    overNetwork: true,
    mutating: [
      mutating(
        'network-connections',
        Object.keys(connections).map((name) =>
          webhook(name, { objectSelector: { matchLabels: { case: name } }, timeoutSeconds: name === 'slow' ? 1 : 5 }),
        ),
      ),
    ],
    behaviours: { ...behaviours(connections), ...behaviours({ target: patches(sets('moved', true)) }) },
    requests: Object.keys(connections).map((name) => create(`network-${name}`, { labels: { case: name } })),
  },
  {
    name: 'network-timeouts',
    about: 'how the time that is left is told',
    overNetwork: true,
    validating: [
      validating(
        'network-timeouts',
        [1, 7, 30].map((seconds) => webhook(`t${seconds}`, { timeoutSeconds: seconds })),
      ),
    ],
    behaviours: behaviours({ t1: allow, t7: allow, t30: allow }),
    requests: [create('network-timeouts')],
  },
];
