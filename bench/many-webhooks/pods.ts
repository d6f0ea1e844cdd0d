import { defineMutator, defineValidator } from 'sallyport';
import { addDefaults, requireTrustedRegistry } from '../webhooks/pods.ts';

const eight = ['', ...Array.from({ length: 7 }, (_, index) => `/${index + 2}`)];
const nameOf = (suffix: string): string => suffix.replace('/', '-');

/** Sixteen webhooks for the same Pod, each with the whole work of its kind in bench/webhooks/pods.ts. */
export const mutators = eight.map((suffix) =>
  defineMutator({
    name: `defaults${nameOf(suffix)}.bench.example.com`,
    path: `/mutate${suffix}`,
    resource: 'pods/v1',
    operations: ['CREATE'],
    handler: ({ object }) => addDefaults(object),
  }),
);
export const validators = eight.map((suffix) =>
  defineValidator({
    name: `registry${nameOf(suffix)}.bench.example.com`,
    path: `/validate${suffix}`,
    resource: 'pods/v1',
    operations: ['CREATE'],
    handler: ({ object }) => requireTrustedRegistry(object),
  }),
);
