import { builtinResources } from './generated/resources.ts';
import type { GroupVersionKind, GroupVersionResource } from './resource.ts';

/** A resource with its scope, as far as it is known. */
export interface GuessedResource extends GroupVersionResource {
  readonly namespaced: boolean;
}

/**
 * The resource that holds objects of a kind: looked up for built-in kinds; for others guessed from English plurals and
 * taken to be namespaced.
 *
 * Source of the guess: apimachinery v0.37.2 `pkg/api/meta/restmapper.go`, UnsafeGuessKindToResource.
 */
export function guessResource({ group, version, kind }: GroupVersionKind): GuessedResource {
  const known = builtinResources.find((info) => info.group === group && info.version === version && info.kind === kind);
  if (known !== undefined) return { group, version, resource: known.resource, namespaced: known.namespaced };
  return { group, version, resource: pluralOf(kind.toLowerCase()), namespaced: true };
}

function pluralOf(singular: string): string {
  if (singular.endsWith('endpoints')) return singular;
  if (singular.endsWith('s')) return `${singular}es`;
  if (singular.endsWith('y')) return `${singular.slice(0, -1)}ies`;
  return `${singular}s`;
}
