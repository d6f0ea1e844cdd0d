/**
 * Several errors as one text: `[a, b]`, repetitions once; a single one stands alone.
 *
 * Source: k8s.io/apimachinery v0.37.2 pkg/util/errors/errors.go, aggregate.Error.
 */
export function aggregateText(messages: readonly string[]): string {
  const different = [...new Set(messages)];
  return different.length === 1 ? different.join('') : `[${different.join(', ')}]`;
}
