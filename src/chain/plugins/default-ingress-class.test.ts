import { describe, expect, test } from 'vitest';
import { runPlugin, summaryOf } from '../../../test/run-plugin.ts';
import { defaultIngressClassPlugin } from './default-ingress-class.ts';

const ingressClass = (name: string, isDefault: string, creationTimestamp?: string) => ({
  ...{ apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', spec: { controller: 'example.com/proxy' } },
  metadata: {
    ...{ name, annotations: { 'ingressclass.kubernetes.io/is-default-class': isDefault } },
    ...(creationTimestamp && { creationTimestamp }),
  },
});
const ingress = (spec: object = {}, annotations?: { [key: string]: string }) => ({
  ...{ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress' },
  metadata: { name: 'web', ...(annotations && { annotations }) },
  spec,
});
const edge = ingressClass('edge', 'true');
const other = ingressClass('other', 'false');

describe('defaultIngressClassPlugin', () => {
  test.each([
    ['the default class', [other, edge], 'edge'],
    ['the first by name of two', [ingressClass('inner', 'true'), edge], 'edge'],
    ['the newest', [edge, ingressClass('inner', 'true', '2026-01-02T00:00:00Z')], 'inner'],
  ])('gives an Ingress %s', async (_, cluster, name) => {
    const outcome = await runPlugin(defaultIngressClassPlugin, { object: ingress(), cluster });
    expect(summaryOf(outcome, ingress())).toEqual(ingress({ ingressClassName: name }));
  });

  test.each([
    ['without a default class', [other], { object: ingress() }],
    ['that names one', [edge], { object: ingress({ ingressClassName: 'other' }) }],
    ['with the old annotation', [edge], { object: ingress({}, { 'kubernetes.io/ingress.class': 'other' }) }],
    ['that is updated', [edge], { object: ingress(), oldObject: ingress() }],
    ['by its status', [edge], { object: ingress(), subresource: 'status' }],
    ['of another group', [edge], { object: { ...ingress(), apiVersion: 'extensions/v1beta1' } }],
  ])('leaves an Ingress %s alone', async (_, cluster, request) => {
    const outcome = await runPlugin(defaultIngressClassPlugin, { ...request, cluster });
    expect(summaryOf(outcome, request.object)).toBe('unchanged');
  });
});
