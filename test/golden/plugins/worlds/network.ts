import type { KubernetesObject } from '../../../../src/api/object-meta.ts';
import type { JsonObject } from '../../../../src/json/json-value.ts';
import type { PluginWorld } from '../world.ts';
import { create, namespace, patch } from './build.ts';

const services = { group: '', version: 'v1', resource: 'services' };
const service = (name: string, ...externalIPs: string[]): JsonObject => ({
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { name } },
  spec: { ports: [{ port: 80 }], ...(externalIPs.length === 0 ? {} : { externalIPs }) },
});
const ingresses = { group: 'networking.k8s.io', version: 'v1', resource: 'ingresses' };
const ingress = (name: string, spec: JsonObject = {}, annotations?: JsonObject): JsonObject => ({
  ...{ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress' },
  metadata: { name, ...(annotations === undefined ? {} : { annotations }) },
  spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } }, ...spec },
});
const ingressClass = (name: string, isDefault: string): KubernetesObject => ({
  ...{ apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass' },
  metadata: { name, annotations: { 'ingressclass.kubernetes.io/is-default-class': isDefault } },
  ...{ spec: { controller: 'example.com/proxy' } },
});

export const networkWorlds: readonly PluginWorld[] = [
  {
    name: 'default-ingress-class',
    plugins: ['DefaultIngressClass'],
    // The one that comes last is also the first by name, so that times of creation do not matter.
    cluster: [namespace('team'), ingressClass('third', 'false'), ingressClass('second', 'true'), ingressClass('edge', 'true')],
    requests: [
      create(ingresses, 'team', ingress('plain')),
      create(ingresses, 'team', ingress('named', { ingressClassName: 'third' })),
      create(ingresses, 'team', ingress('by-annotation', {}, { 'kubernetes.io/ingress.class': 'third' })),
      create(ingresses, 'team', ingress('null', { ingressClassName: null })),
      create(ingresses, 'team', ingress('other-annotation', {}, { a: 'b' })),
      patch(ingresses, 'team', ingress('patched', { ingressClassName: 'second' }), { spec: { ingressClassName: null } }),
    ],
  },
  {
    name: 'deny-service-external-ips',
    plugins: ['DenyServiceExternalIPs'],
    cluster: [namespace('team')],
    requests: [
      create(services, 'team', service('plain')),
      create(services, 'team', service('external', '192.0.2.1')),
      patch(services, 'team', service('grows'), { spec: { externalIPs: ['192.0.2.1'] } }),
      patch(services, 'team', service('labelled'), { metadata: { labels: { a: 'b' } } }),
      patch(services, 'team', service('by-status'), { metadata: { labels: { a: 'b' } } }, { subresource: 'status' }),
      create(services, undefined, service('nowhere', '192.0.2.1'), { namespace: 'gone' }),
    ],
  },
];
