import { operations as knownOperations } from '../../../api/admission-review.ts';
import type { RuleWithOperations } from '../../../api/webhook-configuration.ts';
import { invalid, notSupported, required, type FieldError } from './field-error.ts';

/** Source: k8s.io/kubernetes v1.37.2 pkg/apis/admissionregistration/validation/validation.go, validateRuleWithOperations. */
export function validateRule(rule: RuleWithOperations, field: string): FieldError[] {
  const {
    operations = [],
    apiGroups = [],
    apiVersions = [],
    resources = [],
    scope,
  } = rule as Partial<RuleWithOperations>;
  return [
    ...requireSome(operations, `${field}.operations`),
    ...aloneIfWildcard(operations, `${field}.operations`, 'operations'),
    ...operations.flatMap((operation, index) =>
      supportedOperations.includes(operation)
        ? []
        : [notSupported(`${field}.operations[${index}]`, operation, supportedOperations)],
    ),
    ...requireSome(apiGroups, `${field}.apiGroups`),
    ...aloneIfWildcard(apiGroups, `${field}.apiGroups`, 'API groups'),
    ...requireSome(apiVersions, `${field}.apiVersions`),
    ...aloneIfWildcard(apiVersions, `${field}.apiVersions`, 'API versions'),
    ...apiVersions.flatMap((version, index) => (version === '' ? [required(`${field}.apiVersions[${index}]`)] : [])),
    ...validateResources(resources, `${field}.resources`),
    ...(scope === undefined || supportedScopes.includes(scope)
      ? []
      : [notSupported(`${field}.scope`, scope, supportedScopes)]),
  ];
}

const supportedOperations: readonly string[] = ['*', ...[...knownOperations].sort()];
const supportedScopes: readonly string[] = ['*', 'Cluster', 'Namespaced'];

function requireSome(items: readonly string[], field: string): FieldError[] {
  return items.length === 0 ? [required(field)] : [];
}

function aloneIfWildcard(items: readonly string[], field: string, others: string): FieldError[] {
  if (items.length < 2 || !items.includes('*')) return [];
  return [invalid(field, [...items], `if '*' is present, must not specify other ${others}`)];
}

/**
 * The order matters: `x/y` is only refused after the wildcard that covers it, and of the plain names only the last one
 * that is no subresource is remembered, so that `["pods", "*"]` passes and `["*", "pods"]` does not.
 */
function validateResources(resources: readonly string[], field: string): FieldError[] {
  const errors = requireSome(resources, field);
  const withAllSubresources = new Set<string>();
  const subresourcesOfAll = new Set<string>();
  let lastPlainIsNamed = false;
  for (const [index, text] of resources.entries()) {
    const place = `${field}[${index}]`;
    if (text === '') {
      errors.push(required(place));
      continue;
    }
    const slash = text.indexOf('/');
    if (slash === -1) {
      lastPlainIsNamed = text !== '*';
      continue;
    }
    const [resource, subresource] = [text.slice(0, slash), text.slice(slash + 1)];
    if (withAllSubresources.has(resource)) {
      errors.push(invalid(place, text, `if '${resource}/*' is present, must not specify ${text}`));
    }
    if (subresourcesOfAll.has(subresource)) {
      errors.push(invalid(place, text, `if '*/${subresource}' is present, must not specify ${text}`));
    }
    if (subresource === '*') withAllSubresources.add(resource);
    if (resource === '*') subresourcesOfAll.add(subresource);
  }
  if (resources.length > 1 && resources.includes('*/*')) {
    errors.push(invalid(field, [...resources], "if '*/*' is present, must not specify other resources"));
  }
  if (resources.includes('*') && lastPlainIsNamed) {
    const detail = "if '*' is present, must not specify other resources without subresources";
    errors.push(invalid(field, [...resources], detail));
  }
  return errors;
}
