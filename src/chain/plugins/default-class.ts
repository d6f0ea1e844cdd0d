import type { ObjectMeta } from '../../api/object-meta.ts';

interface ClusterClass {
  readonly metadata?: ObjectMeta | undefined;
}

/**
 * Name of the class to give to those who name none: of the classes that an annotation marks as default the one created
 * last, and of several created at once the first by name. Undefined when none is marked.
 *
 * A class without a time of creation, as manifests have them, counts as the oldest.
 *
 * Source: k8s.io/kubernetes v1.37.2 pkg/volume/util/storageclass.go and
 * plugin/pkg/admission/network/defaultingressclass/admission.go, getDefaultClass.
 */
export function defaultClassName(classes: readonly ClusterClass[], annotations: readonly string[]): string | undefined {
  const [first] = classes
    .filter(({ metadata }) => annotations.some((annotation) => metadata?.annotations?.[annotation] === 'true'))
    .map(({ metadata }) => ({
      name: metadata?.name ?? '',
      created: Date.parse(metadata?.creationTimestamp ?? '') || 0,
    }))
    .sort((a, b) => b.created - a.created || (a.name < b.name ? -1 : 1));
  return first?.name;
}
