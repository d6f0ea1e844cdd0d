import type { GroupVersionKind, GroupVersionResource } from '../../api/resource.ts';
import type { MatchPolicy, RuleWithOperations } from '../../api/webhook-configuration.ts';
import type { ObjectInterfaces } from '../object-interfaces.ts';
import { matchesRule, type RuleAttributes } from './rules.ts';

/** Under which resource and kind a webhook gets a request. */
export interface RuleMatch {
  readonly resource: GroupVersionResource;
  readonly kind: GroupVersionKind;
  /** True when not the requested resource matched but an equivalent one. */
  readonly equivalent: boolean;
}

/**
 * The first rule that covers the request; with `matchPolicy: Equivalent`, failing that, the first that covers it under
 * another group or version of the same stored resource, rules tried before equivalents.
 *
 * Returns undefined when none does; an `unknownKind` when the equivalent resource has no kind, which ends the request.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/plugin/webhook/generic/webhook.go, ShouldCallHook.
 */
export function matchRules(
  rules: readonly RuleWithOperations[],
  matchPolicy: MatchPolicy | undefined,
  attributes: RuleAttributes & { readonly kind: GroupVersionKind },
  objectInterfaces: Pick<ObjectInterfaces, 'equivalentResourcesFor' | 'kindFor'>,
): RuleMatch | { readonly unknownKind: GroupVersionResource } | undefined {
  const { resource, subresource, kind } = attributes;
  if (rules.some((rule) => matchesRule(rule, attributes))) return { resource, kind, equivalent: false };
  if (matchPolicy !== 'Equivalent') return undefined;
  const equivalents = objectInterfaces
    .equivalentResourcesFor(resource, subresource)
    .filter((equivalent) => !isSameResource(equivalent, resource));
  for (const rule of rules) {
    for (const equivalent of equivalents) {
      if (!matchesRule(rule, { ...attributes, resource: equivalent })) continue;
      const equivalentKind = objectInterfaces.kindFor(equivalent, subresource);
      if (equivalentKind === undefined) return { unknownKind: equivalent };
      return { resource: equivalent, kind: equivalentKind, equivalent: true };
    }
  }
  return undefined;
}

function isSameResource(a: GroupVersionResource, b: GroupVersionResource): boolean {
  return a.group === b.group && a.version === b.version && a.resource === b.resource;
}
