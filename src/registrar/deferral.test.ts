import { describe, expect, it } from 'vitest';
import type { WebhookConfiguration } from '../api/webhook-configuration.ts';
import { challengeAnnotation, Deferral } from './deferral.ts';

const newer = '2026-01-02T00:00:00.000Z';
const configuration = (annotations: Readonly<Record<string, string>>): WebhookConfiguration => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: 'gate', annotations },
});
const left = configuration({});
const asked = configuration({ [challengeAnnotation]: 'somebody' });
const second = 1000;

/** What is found at which second, and what comes of it. */
type Look = readonly [number, WebhookConfiguration | 'reset' | 'another', string?];

describe('Deferral', () => {
  it.each<readonly [string, readonly Look[]]>([
    [
      'nothing is asked in an ordinary rollout',
      [
        [0, left, 'left'],
        [59, left, 'left'],
      ],
    ],
    [
      'asks after a minute, and takes silence of a minute for an answer',
      [
        [0, left, 'left'],
        [60, left, 'ask'],
        [61, asked, 'left'],
        [120, asked, 'left'],
        [121, asked, 'silent'],
      ],
    ],
    [
      'waits anew after an answer',
      [
        [0, left, 'left'],
        [60, left, 'ask'],
        [61, asked, 'left'],
        [62, left, 'left'],
        [121, left, 'left'],
        [122, left, 'ask'],
      ],
    ],
    [
      'waits for the answer to a question of another replica too',
      [
        [0, asked, 'left'],
        [59, asked, 'left'],
        [60, asked, 'silent'],
      ],
    ],
    [
      'begins anew for another newer replica',
      [
        [0, left, 'left'],
        [60, 'another', 'left'],
        [119, 'another', 'left'],
        [120, 'another', 'ask'],
      ],
    ],
    [
      'begins anew after a failure, which silences everybody',
      [
        [0, left, 'left'],
        [60, left, 'ask'],
        [61, asked, 'left'],
        [90, 'reset'],
        [125, asked, 'left'],
        [184, asked, 'left'],
        [185, asked, 'silent'],
      ],
    ],
  ])('%s', (_name, looks) => {
    const deferral = new Deferral();
    for (const [at, found, expected] of looks) {
      if (found === 'reset') deferral.reset();
      else {
        const to = found === 'another' ? '2026-01-03T00:00:00.000Z' : newer;
        const current = found === 'another' ? left : found;
        expect(deferral.judge(current, to, at * second), `at ${at} s`).toBe(expected);
      }
    }
  });
});
