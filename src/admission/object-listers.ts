import { guessResource } from '../api/kind.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import { parseResourceName } from '../api/resource-name.ts';
import { parseApiVersion } from '../api/resource.ts';
import type { ListerSource } from './lister.ts';

/** Listers over objects at hand: what a handler's `context.lister` finds without a cluster. */
export function objectListers(objects: readonly KubernetesObject[]): ListerSource {
  return (name) => {
    const wanted = parseResourceName(name);
    if ('problem' in wanted) return undefined;
    const found = objects.filter((object) => {
      const kind = { ...parseApiVersion(object.apiVersion ?? ''), kind: object.kind ?? '' };
      const { group, version, resource } = guessResource(kind);
      return group === wanted.group && resource === wanted.resource && version === (wanted.version ?? version);
    });
    return {
      list: ({ namespace } = {}) =>
        namespace === undefined ? found : found.filter(({ metadata }) => metadata?.namespace === namespace),
      get: (objectName, namespace) =>
        found.find(({ metadata }) => metadata?.name === objectName && metadata.namespace === namespace),
    };
  };
}
