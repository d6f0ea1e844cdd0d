import { labelSelectorSchema } from '../api/label-selector-schema.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import { globalQuotaKind } from './global-quota.ts';
import { scopeNames } from './hard-names.ts';

/**
 * What makes a cluster know GlobalQuota objects: their schema, checked by the API server before it stores one, and the
 * columns of `kubectl get globalquotas`. What the schema cannot say (names of resources, contradicting scopes) is checked
 * when the gate reads the object, and told in its condition `Accepted`.
 */
export function globalQuotaDefinition(): KubernetesObject & Readonly<Record<string, unknown>> {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${globalQuotaKind.resource}.${globalQuotaKind.group}` },
    spec: {
      group: globalQuotaKind.group,
      scope: 'Cluster',
      names: {
        kind: globalQuotaKind.kind,
        listKind: `${globalQuotaKind.kind}List`,
        plural: globalQuotaKind.resource,
        singular: 'globalquota',
        shortNames: ['gquota'],
      },
      versions: [
        {
          name: globalQuotaKind.version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: [
            { name: 'Mode', type: 'string', jsonPath: '.spec.mode' },
            { name: 'Used', type: 'string', jsonPath: '.status.summary' },
            { name: 'Accepted', type: 'string', jsonPath: '.status.conditions[?(@.type=="Accepted")].status' },
            { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          ],
          schema: { openAPIV3Schema: schema() },
        },
      ],
    },
  };
}

/** More than this many resources in one quota nobody can read; the bounds keep the cost of the rules below estimable. */
const maxResources = 128;
const maxNames = 1000;

function schema(): object {
  return {
    type: 'object',
    description: 'One number for a team over many namespaces and clusters, with the meaning of a ResourceQuota.',
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: spec(),
      status: status(),
    },
  };
}

function spec(): object {
  return {
    type: 'object',
    required: ['hard'],
    properties: {
      hard: {
        ...resourceList('The most that may be there in all selected clusters and namespaces together.'),
        minProperties: 1,
      },
      scopes: {
        type: 'array',
        maxItems: 16,
        'x-kubernetes-list-type': 'set',
        description: 'Counts only objects that all of these match; as in a ResourceQuota.',
        items: { type: 'string', enum: scopeNames },
      },
      scopeSelector: {
        type: 'object',
        required: ['matchExpressions'],
        description: 'As scopes, with values; as in a ResourceQuota.',
        properties: {
          matchExpressions: {
            type: 'array',
            maxItems: 16,
            items: {
              type: 'object',
              required: ['scopeName', 'operator'],
              properties: {
                scopeName: { type: 'string', enum: scopeNames },
                operator: { type: 'string', enum: ['In', 'NotIn', 'Exists', 'DoesNotExist'] },
                values: { type: 'array', maxItems: maxNames, items: { type: 'string', maxLength: 253 } },
              },
            },
          },
        },
      },
      clusters: selection('Member clusters, by the name or the labels of their gate. Default: all.'),
      namespaces: selection('Namespaces, by name or labels. Default: all but those the gate leaves alone.'),
      perCluster: resourceList('The most that any one cluster may have. Names must be in hard.'),
      perNamespace: resourceList('The most that any one namespace may have. Names must be in hard.'),
      mode: {
        type: 'string',
        enum: ['enforce', 'warn', 'audit'],
        default: 'enforce',
        description: 'enforce refuses what does not fit; warn warns of it; audit notes it in the audit log.',
      },
      onFault: {
        type: 'string',
        enum: ['refuse', 'allow'],
        default: 'refuse',
        description:
          'What becomes of a write while the ledger cannot be asked. What was allowed is counted afterwards.',
      },
      warnAtPercent: {
        type: 'integer',
        minimum: 0,
        maximum: 100,
        default: 80,
        description: 'Warns of a write that brings a resource to this share of its limit; 0 never does.',
      },
    },
    'x-kubernetes-validations': ['perCluster', 'perNamespace'].map((field) => ({
      rule: `!has(self.${field}) || self.${field}.all(name, name in self.hard)`,
      message: `${field} must name only what hard names`,
    })),
  };
}

/** No sign: a limit is not negative. Source: k8s.io/apimachinery v0.37.2 pkg/api/resource/quantity.go, the grammar. */
const quantityPattern = '^([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?[0-9]+)?$';

function resourceList(description: string): object {
  return {
    type: 'object',
    description,
    maxProperties: maxResources,
    additionalProperties: {
      anyOf: [{ type: 'integer' }, { type: 'string' }],
      pattern: quantityPattern,
      maxLength: 64,
      'x-kubernetes-int-or-string': true,
    },
  };
}

function selection(description: string): object {
  return {
    type: 'object',
    description,
    properties: {
      names: {
        type: 'array',
        maxItems: maxNames,
        'x-kubernetes-list-type': 'set',
        items: { type: 'string', minLength: 1, maxLength: 63 },
      },
      selector: labelSelectorSchema(),
    },
    'x-kubernetes-validations': [
      { rule: 'has(self.names) || has(self.selector)', message: 'expected names, a selector, or both' },
    ],
  };
}

function status(): object {
  const amounts = (description: string): object => ({
    type: 'object',
    description,
    additionalProperties: { type: 'string' },
  });
  const usage = { used: amounts('Of objects that are there.'), reserved: amounts('Admitted, and not seen yet.') };
  return {
    type: 'object',
    properties: {
      observedGeneration: { type: 'integer', format: 'int64' },
      summary: { type: 'string', description: 'The fullest resource: requests.cpu 380/400.' },
      hard: amounts('The limits in force.'),
      ...usage,
      clusters: {
        type: 'array',
        description: 'Who uses it.',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        items: {
          type: 'object',
          required: ['name'],
          properties: { name: { type: 'string' }, ...usage },
        },
      },
      namespaces: {
        type: 'array',
        description: 'Who uses it, the hundred largest.',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['cluster', 'name'],
        items: {
          type: 'object',
          required: ['cluster', 'name'],
          properties: { cluster: { type: 'string' }, name: { type: 'string' }, ...usage },
        },
      },
      conditions: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
        items: {
          type: 'object',
          required: ['type', 'status', 'reason', 'lastTransitionTime'],
          properties: {
            type: { type: 'string' },
            status: { type: 'string', enum: ['True', 'False', 'Unknown'] },
            reason: { type: 'string' },
            message: { type: 'string' },
            observedGeneration: { type: 'integer', format: 'int64' },
            lastTransitionTime: { type: 'string', format: 'date-time' },
          },
        },
      },
    },
  };
}
