import { defineValidator } from 'sallyport';
import { requireTrustedRegistry } from '../webhooks/pods.ts';

const pods = { resource: 'pods/v1', operations: ['CREATE'] } as const;

export const inline = defineValidator({
  ...pods,
  name: 'inline.bench.example.com',
  path: '/validate',
  handler: ({ object }) => requireTrustedRegistry(object),
});

export const isolated = defineValidator({
  ...pods,
  name: 'isolated.bench.example.com',
  path: '/isolated',
  isolation: 'thread',
  handler: ({ object }) => requireTrustedRegistry(object),
});

export const endless = defineValidator({
  ...pods,
  name: 'endless.bench.example.com',
  path: '/endless',
  isolation: 'thread',
  handler() {
    for (;;);
  },
});
