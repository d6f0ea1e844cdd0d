import { allow, defineValidator, deny } from 'sallyport';
import { registryOf } from '../image-reference.ts';

const trusted = 'registry.example.com';

/** Every image, of init and ephemeral containers too, comes from one registry. */
export const trustedRegistry = defineValidator({
  name: 'trusted-registry.example.com',
  resource: ['pods', 'pods/ephemeralcontainers'],
  operations: ['CREATE', 'UPDATE'],
  handler({ object: pod }) {
    const lists = ['initContainers', 'containers', 'ephemeralContainers'] as const;
    const causes = lists.flatMap((list) =>
      (pod.spec?.[list] ?? []).flatMap(({ image = '' }, index) =>
        registryOf(image) === trusted
          ? []
          : [{ field: `spec.${list}[${index}].image`, message: `"${image}" comes from ${registryOf(image)}` }],
      ),
    );
    if (causes.length === 0) return allow();
    return deny(`images must come from ${trusted}: ${causes.map(({ message }) => message).join('; ')}`, { causes });
  },
});
