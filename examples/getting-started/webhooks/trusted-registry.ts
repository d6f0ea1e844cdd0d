import { allow, defineValidator, deny } from 'sallyport';
import { registryOf } from '../image-reference.ts';

const trusted = 'registry.example.com';

const lists = ['initContainers', 'containers', 'ephemeralContainers'] as const;

/** Every image, of init and ephemeral containers too, comes from one registry. */
export const trustedRegistry = defineValidator({
  name: 'trusted-registry.example.com',
  resource: ['pods', 'pods/ephemeralcontainers'],
  operations: ['CREATE', 'UPDATE'],
  handler({ object: pod, oldObject }) {
    // What is there already must not keep a Pod from being changed otherwise: its finalizers would never go.
    const present = new Set(lists.flatMap((list) => (oldObject?.spec?.[list] ?? []).map(({ image }) => image)));
    const causes = lists.flatMap((list) =>
      (pod.spec?.[list] ?? []).flatMap(({ image = '' }, index) =>
        registryOf(image) === trusted || present.has(image)
          ? []
          : [{ field: `spec.${list}[${index}].image`, message: `"${image}" comes from ${registryOf(image)}` }],
      ),
    );
    if (causes.length === 0) return allow();
    return deny(`images must come from ${trusted}: ${causes.map(({ message }) => message).join('; ')}`, { causes });
  },
});
