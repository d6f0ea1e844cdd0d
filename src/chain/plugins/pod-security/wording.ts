import { compareGoStrings } from '../../go-json/compact.ts';

/** `"a", "b"`; what is inside is not escaped. Source: policy/helpers.go, joinQuote. */
export function joinQuote(items: readonly string[]): string {
  return items.map((item) => `"${item}"`).join(', ');
}

/** Source: policy/helpers.go, pluralize. */
export function pluralize(singular: string, plural: string, count: number): string {
  return count === 1 ? singular : plural;
}

/** `container "a"`, `containers "a", "b"`. */
export function containersNamed(names: readonly string[]): string {
  return `${pluralize('container', 'containers', names.length)} ${joinQuote(names)}`;
}

/** Who set something that can be set on the Pod and on its containers: `pod and containers "a", "b"`. */
export function settersNamed(isSetByPod: boolean, containerNames: readonly string[]): string {
  const setters = [
    ...(isSetByPod ? ['pod'] : []),
    ...(containerNames.length > 0 ? [containersNamed(containerNames)] : []),
  ];
  return setters.join(' and ');
}

/** Each text once, in byte order. */
export function sortedSet(texts: Iterable<string>): string[] {
  return [...new Set(texts)].sort(compareGoStrings);
}
