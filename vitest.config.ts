import { defineConfig } from 'vitest/config';

/** Tests named `*.e2e.test.ts` start a real API server; everything else runs without one. */
const needsApiServer = '**/*.e2e.test.ts';
const everyTest = ['src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts', 'bench/**/*.test.ts'];

export default defineConfig({
  ssr: { resolve: { conditions: ['sallyport-source', 'node'] } },
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: everyTest,
          exclude: [needsApiServer, '**/node_modules/**'],
          testTimeout: 30_000,
          expect: { poll: { timeout: 10_000 } },
        },
      },
      {
        test: {
          name: 'api-server',
          include: [`src/${needsApiServer}`, `test/${needsApiServer}`, `examples/${needsApiServer}`],
          exclude: ['**/node_modules/**'],
          testTimeout: 120_000,
          expect: { poll: { timeout: 10_000 } },
          hookTimeout: 120_000,
          maxWorkers: 2,
        },
      },
    ],
  },
});
