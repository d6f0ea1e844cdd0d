import type { GroupVersionKind, GroupVersionResource } from '../../api/resource.ts';
import type { Status } from '../../api/status.ts';
import type { Attributes } from '../attributes.ts';
import { matchRules } from '../match/equivalents.ts';
import { evaluateConditions } from '../match/match-conditions.ts';
import { matchNamespaceSelector } from '../match/namespace-selector.ts';
import { matchObjectSelector } from '../match/object-selector.ts';
import type { AdmissionContext } from '../plugin.ts';
import { newForbidden, newInternalError } from '../status-error.ts';
import type { WebhookMatch } from '../step.ts';
import { conditionRequest } from './admission-review.ts';
import type { RegisteredWebhook } from './configurations.ts';
import type { VersionedObjects } from './versioned-objects.ts';

/**
 * Whether a webhook is to be called for a request: namespaceSelector, objectSelector, rules, matchConditions, in this
 * order. What went wrong with a selector is only told when the rules match.
 *
 * `attributes.object` is the object as the webhooks before this one left it. `versioned` gives it in the kind that
 * matched, for the conditions; it is only called when there are any.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/plugin/webhook/generic/webhook.go, ShouldCallHook.
 */
export function shouldCall(
  registered: RegisteredWebhook,
  attributes: Attributes,
  versioned: (kind: GroupVersionKind) => VersionedObjects,
  { state, objectInterfaces, authorizer }: Pick<AdmissionContext, 'state' | 'objectInterfaces' | 'authorizer'>,
): WebhookMatch {
  const { webhook } = registered;
  const byNamespace = matchNamespaceSelector(registered.namespaceSelector, attributes, (name) =>
    state.get('namespaces', name),
  );
  if (byNamespace.kind === 'notMatched') return { kind: 'notMatched', by: 'namespaceSelector' };
  const byObject = matchObjectSelector(registered.objectSelector, attributes.object, attributes.oldObject);
  if (byObject.kind === 'notMatched') return { kind: 'notMatched', by: 'objectSelector' };
  const byRules = matchRules(webhook.rules ?? [], webhook.matchPolicy, attributes, objectInterfaces);
  if (byRules === undefined) return { kind: 'notMatched', by: 'rules' };
  if ('unknownKind' in byRules) {
    return failed(newInternalError(`unable to convert to ${resourceText(byRules.unknownKind)}: unknown kind`));
  }
  if (byNamespace.kind === 'failed') return byNamespace;
  if (byObject.kind === 'failed') return byObject;
  if (registered.matchConditions.length > 0) {
    const { object, oldObject } = versioned(byRules.kind);
    const request = conditionRequest(attributes, byRules.kind);
    const byConditions = evaluateConditions(
      registered.matchConditions,
      { request, object, oldObject, authorizer },
      webhook.failurePolicy,
    );
    switch (byConditions.kind) {
      case 'notMatched':
        return { kind: 'notMatched', by: 'matchConditions', condition: byConditions.condition };
      case 'ignored':
        return { kind: 'notMatched', by: 'matchConditionErrors', errors: byConditions.errors };
      case 'failed':
        return failed(newForbidden(attributes.resource, attributes.name, byConditions.message));
      case 'matched':
    }
  }
  return { kind: 'matched', resource: byRules.resource, objectKind: byRules.kind, equivalent: byRules.equivalent };
}

function failed(status: Status): WebhookMatch {
  return { kind: 'failed', status };
}

/** Source: k8s.io/apimachinery v0.37.2 pkg/runtime/schema/group_version.go, GroupVersionResource.String. */
function resourceText({ group, version, resource }: GroupVersionResource): string {
  return `${group}/${version}, Resource=${resource}`;
}
