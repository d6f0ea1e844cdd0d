import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Secret } from '../api/generated/core.v1.ts';
import { simulateRotation, type Sabotage } from '../../test/certs/rotation-simulation.ts';

const hour = 3_600_000;
const troubledMilliseconds = 10 * hour;

/** The swap that others do: the new CA takes the old one's place in one write. */
function swapInOneStep(secret: Secret): Secret {
  const { 'next.crt': certificate, 'next.key': key, ...rest } = secret.data ?? {};
  if (certificate === undefined || key === undefined) return secret;
  return { ...secret, data: { 'signing.crt': certificate, 'signing.key': key, ...withoutRetired(rest) } };
}

function withoutRetired(data: { [field: string]: string }): { [field: string]: string } {
  return Object.fromEntries(Object.entries(data).filter(([field]) => !/^(signing|retired)/.test(field)));
}

/** As if a retired CA had been retired an hour, the life of a leaf, before it was. */
function dropEarly(secret: Secret): Secret {
  const since = secret.data?.['retired-since'];
  if (since === undefined) return secret;
  const earlier = new Date(Date.parse(Buffer.from(since, 'base64').toString()) - hour).toISOString();
  return { ...secret, data: { ...secret.data, 'retired-since': Buffer.from(earlier).toString('base64') } };
}

describe('SecretAuthority among sleeping, dying and late replicas', () => {
  it('serves at every moment what every API server accepts, and comes to rest with the old CA gone', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        async (seed, replicas, isSecretTouched) => {
          const outcome = await simulateRotation({ seed, replicas, troubledMilliseconds, isSecretTouched });
          expect(outcome.violations).toEqual([]);
          expect(outcome.unrest).toEqual([]);
          expect(outcome.authorities).toBeGreaterThan(2);
        },
      ),
      { numRuns: 6, endOnFailure: true },
    );
  }, 120_000);

  it('withstands a Secret whose CA somebody else replaces in one step', async () => {
    const sabotage = { rewrite: swapInOneStep };
    const options = { replicas: 3, troubledMilliseconds, isSecretTouched: true, sabotage };
    const outcome = await simulateRotation({ seed: 1, ...options });
    expect(outcome.violations).toEqual([]);
    expect(outcome.unrest).toEqual([]);
  }, 60_000);
});

describe('simulateRotation()', () => {
  const brokenBuilds: Record<string, Sabotage> = {
    'a CA swapped in one step': { rewrite: swapInOneStep, blind: true, propagationMilliseconds: 0 },
    'a leaf moved before API servers have heard of its CA': { propagationMilliseconds: 0 },
    'an old CA dropped while its leaves live': { rewrite: dropEarly },
    'a registrar that wakes and writes the bundle it remembers': { unconfirmedBundle: true },
  };

  it.each(Object.entries(brokenBuilds))(
    'catches %s',
    async (_, sabotage) => {
      const options = { replicas: 3, troubledMilliseconds, isSecretTouched: false };
      let violations: readonly string[] = [];
      for (let seed = 1; seed <= 10 && violations.length === 0; seed++) {
        ({ violations } = await simulateRotation({ seed, ...options, sabotage }));
      }
      expect(violations).not.toEqual([]);
    },
    120_000,
  );
});
