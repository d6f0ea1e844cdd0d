import type { Labels } from '../../api/label-selector.ts';
import type { JsonObject, JsonValue } from '../../json/json-value.ts';

/**
 * `metadata.labels` of an object as the API server reads it: a null value counts as `""`; a map with any other value
 * that is no text counts as no labels at all.
 *
 * Source: k8s.io/apimachinery v0.37.2 pkg/apis/meta/v1/unstructured, GetLabels and NestedNullCoercingStringMap.
 */
export function labelsOf(object: JsonObject | null): Labels {
  const metadata = object?.['metadata'];
  const labels = isObject(metadata) ? metadata['labels'] : undefined;
  if (!isObject(labels)) return undefined;
  const texts: { [key: string]: string } = {};
  for (const [key, value] of Object.entries(labels)) {
    if (value !== null && typeof value !== 'string') return undefined;
    texts[key] = value ?? '';
  }
  return texts;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
