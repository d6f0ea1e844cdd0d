import type { LabelMatcher } from '../../api/label-selector.ts';
import type { LabelSelector } from '../../api/webhook-configuration.ts';
import type { JsonObject } from '../../json/json-value.ts';
import { labelsOf } from './labels.ts';
import { matched, notMatched, parseSelector, type ParsedSelector, type SelectorMatch } from './parsed-selector.ts';

/**
 * Whether a webhook's `objectSelector` covers a request: the new object's labels match, or the stored one's.
 *
 * An object without labels is tested as having an empty set of them; no object, and one of a kind without metadata
 * (the options of CONNECT), matches only the empty selector. `selector` must be defaulted: absent selects nothing.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/plugin/webhook/predicates/object/matcher.go, MatchObjectSelector.
 */
export function selectObject(
  selector: LabelSelector | undefined,
  object: JsonObject | null,
  oldObject: JsonObject | null,
): SelectorMatch {
  return matchObjectSelector(parseSelector(selector), object, oldObject);
}

/** {@link selectObject} with a selector that was read before. */
export function matchObjectSelector(
  selector: ParsedSelector,
  object: JsonObject | null,
  oldObject: JsonObject | null,
): SelectorMatch {
  if (selector.kind === 'failed') return selector;
  const { labels } = selector;
  return labels.isEmpty || matchesLabels(labels, object) || matchesLabels(labels, oldObject) ? matched : notMatched;
}

function matchesLabels(selector: LabelMatcher, object: JsonObject | null): boolean {
  return object !== null && hasMetadata(object) && selector.matches(labelsOf(object));
}

/** All kinds that reach admission have metadata but these. Source: k8s.io/api v0.37.2 core/v1/types.go. */
function hasMetadata({ apiVersion, kind }: JsonObject): boolean {
  return apiVersion !== 'v1' || typeof kind !== 'string' || !connectOptions.has(kind);
}

const connectOptions: ReadonlySet<string> = new Set([
  'PodExecOptions',
  'PodAttachOptions',
  'PodPortForwardOptions',
  'PodProxyOptions',
  'ServiceProxyOptions',
  'NodeProxyOptions',
]);
