import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { WebhookConfiguration } from '../../../src/api/webhook-configuration.ts';
import { fieldErrorBody, validateWebhookConfiguration } from '../../../src/chain/index.ts';
import { configurations } from './configurations.ts';

interface RecordedCause {
  readonly field: string;
  readonly reason: string;
  readonly message: string;
}

const recorded = JSON.parse(readFileSync(new URL('recordings/configurations.json', import.meta.url), 'utf8')) as {
  readonly [name: string]: readonly RecordedCause[];
};

/** Recorded from a real API server by tools/golden/record.ts; [] where it had nothing against the configuration. */
describe('validateWebhookConfiguration() has the same against a configuration as the API server', () => {
  it.each(Object.keys(configurations))('%s', (name) => {
    // Some are wrong on purpose; the types that decoding asks for are right.
    const errors = validateWebhookConfiguration(configurations[name] as unknown as WebhookConfiguration);
    const causes = errors.map((error) => ({
      field: error.field,
      reason: `FieldValue${error.type}`,
      message: fieldErrorBody(error),
    }));
    expect(causes).toEqual(recorded[name]);
  });
});
