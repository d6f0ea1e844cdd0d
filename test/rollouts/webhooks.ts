import { defineMutator, defineValidator } from 'sallyport';

const ofTheLoad = {
  resource: 'configmaps',
  operations: ['CREATE', 'UPDATE'],
  objectSelector: {},
  namespaceSelector: { matchLabels: { load: 'true' } },
} as const;

export const mark = defineMutator({
  name: 'mark.example.com',
  ...ofTheLoad,
  handler({ object }) {
    object.metadata = {
      ...object.metadata,
      annotations: { ...object.metadata?.annotations, 'example.com/mark': 'on' },
    };
  },
});

export const check = defineValidator({ name: 'check.example.com', ...ofTheLoad, handler: () => undefined });
