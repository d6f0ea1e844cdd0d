import { expect, test } from 'vitest';
import { runPlugin, summaryOf } from '../../../test/run-plugin.ts';
import { alwaysDenyPlugin } from './always-deny.ts';

test.each(['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const)('alwaysDenyPlugin refuses %s', async (operation) => {
  const object = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' } };
  const outcome = await runPlugin(alwaysDenyPlugin, { object, operation });
  expect(summaryOf(outcome, object)).toBe(
    '403 Forbidden: deployments.apps "a" is forbidden: admission control is denying all modifications',
  );
  // Already in the mutating walk, so that nothing after it is asked.
  expect(outcome.steps).toMatchObject([{ walk: 'admit', outcome: { kind: 'refused' } }]);
});
