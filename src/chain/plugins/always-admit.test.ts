import { expect, test } from 'vitest';
import { runPlugin, summaryOf } from '../../../test/run-plugin.ts';
import { alwaysAdmitPlugin } from './always-admit.ts';

test.each(['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const)('alwaysAdmitPlugin lets %s pass', async (operation) => {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } };
  const outcome = await runPlugin(alwaysAdmitPlugin, { object, operation });
  expect(outcome.allowed).toBe(true);
  if (operation !== 'DELETE') expect(summaryOf(outcome, object)).toBe('unchanged');
});
