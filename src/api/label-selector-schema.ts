/**
 * A label selector in the OpenAPI schema of a CustomResourceDefinition, with what the definition adds, such as a description.
 * That operator and values fit each other is not said by it.
 *
 * Source: k8s.io/apimachinery v0.37.2 `pkg/apis/meta/v1/types.go` LabelSelector.
 */
export function labelSelectorSchema(more: object = {}): object {
  return {
    type: 'object',
    'x-kubernetes-map-type': 'atomic',
    ...more,
    properties: {
      matchLabels: { type: 'object', additionalProperties: { type: 'string' } },
      matchExpressions: {
        type: 'array',
        items: {
          type: 'object',
          required: ['key', 'operator'],
          properties: {
            key: { type: 'string' },
            operator: { type: 'string', enum: ['In', 'NotIn', 'Exists', 'DoesNotExist'] },
            values: { type: 'array', items: { type: 'string' } },
          },
        },
      },
    },
  };
}
