import { defineMutator, defineValidator } from 'sallyport';

const busyMilliseconds = 5;

/** Computes for five milliseconds: one core answers at most 200 of these a second. */
export const busy = defineValidator({
  name: 'busy.bench.example.com',
  path: '/validate',
  resource: 'pods/v1',
  operations: ['CREATE'],
  handler() {
    const end = performance.now() + busyMilliseconds;
    while (performance.now() < end);
  },
});

export const idle = defineMutator({
  name: 'idle.bench.example.com',
  path: '/mutate',
  resource: 'pods/v1',
  operations: ['CREATE'],
  handler: () => undefined,
});
