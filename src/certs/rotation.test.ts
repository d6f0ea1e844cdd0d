import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { caBundleOf, parseAuthority, type Authority, type AuthorityState } from './authority-state.ts';
import { issueAuthority } from './index.ts';
import { planRotation, type RotationFacts, type RotationStep } from './rotation.ts';

const hour = 3_600_000;
const start = Date.UTC(2030, 5, 1);
const life = 30 * hour;
/** When an authority issued at `start` is due. */
const due = start + (2 / 3) * life;
const overlapMilliseconds = 5 * hour;

/** Issued at `start`, when it is due, and an hour later. */
let a: Authority;
let b: Authority;
let c: Authority;

beforeAll(async () => {
  const issue = async (issuedAt: number): Promise<Authority> =>
    parseAuthority(await issueAuthority({ issuedAt, lifetimeMilliseconds: life }), 'signing');
  a = await issue(start);
  b = await issue(due);
  c = await issue(due + hour);
});

/** A CA of another issuer, valid until 2126. */
const corporate = new X509Certificate(`-----BEGIN CERTIFICATE-----
MIIBqjCCAU+gAwIBAgIURWc8F+lSOJioxzDf/2ZdEuZ91r4wCgYIKoZIzj0EAwIw
KTEQMA4GA1UECgwHRXhhbXBsZTEVMBMGA1UEAwwMY29ycG9yYXRlIENBMCAXDTI2
MTEyMzE5NTkxMloYDzIxMjYxMDMwMTk1OTEyWjApMRAwDgYDVQQKDAdFeGFtcGxl
MRUwEwYDVQQDDAxjb3Jwb3JhdGUgQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AASRIFOEThQG6h8ajsH3HGIPxDLXYsGeffidA+3m/UtNXcRm64mgCzGsWXu6lsPi
aN8Obmw1qNFB4YV7pWGbl5nyo1MwUTAdBgNVHQ4EFgQUT7cdtnO3VHtaV/qBW6er
3KVImBswHwYDVR0jBBgwFoAUT7cdtnO3VHtaV/qBW6er3KVImBswDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAvZZfJtlazJ/pJipb8g/74FJn2KL8
5S0EfhsCAq3CWhICIQCgGHWJVA2GnoxOoYzbZVFLjh5BKF+7qNYIheIN4uSsIQ==
-----END CERTIFICATE-----
`);

interface Case {
  readonly state: AuthorityState | undefined;
  /** Default: `start`. */
  readonly now?: number;
  /** What each webhook carries. Default: one webhook with the state's bundle. */
  readonly published?: readonly (readonly Authority[] | string)[];
  /** Default: nothing. */
  readonly settled?: readonly Authority[];
}

function plan({ state, now = start, published, settled = [] }: Case): RotationStep {
  const bundles = published ?? (state === undefined ? [] : [caBundleOf(state)]);
  const facts: RotationFacts = {
    now,
    published: bundles.map((bundle) => ({
      holder: 'a webhook',
      caBundlePem: typeof bundle === 'string' ? bundle : bundle.map(({ certificatePem }) => certificatePem).join(''),
      serverName: 'gate.sallyport-system.svc',
    })),
    hasSettled: ({ fingerprint256 }) =>
      settled.some(({ certificate }) => certificate.fingerprint256 === fingerprint256),
    overlapMilliseconds,
  };
  return planRotation(state, facts);
}

/** The step's kind and, by letter, what is for what after it. */
function summarize(step: RotationStep): string {
  if (step.kind === 'rest') return 'rest';
  const state = 'state' in step ? step.state : step.stateWith(c);
  const letters = new Map([a, b, c].map(({ certificate }, index) => [certificate.fingerprint256, 'abc'[index]]));
  letters.set(corporate.fingerprint256, 'corporate');
  const letter = (fingerprint: string | undefined): string => letters.get(fingerprint ?? '') ?? '-';
  const retired = state.retired?.certificates.map(({ fingerprint256 }) => letter(fingerprint256)).join('') ?? '-';
  return [
    `${step.kind}: signing ${letter(state.signing.certificate.fingerprint256)}`,
    `next ${letter(state.next?.certificate.fingerprint256)}`,
    `retired ${retired}${state.retired?.since === undefined ? '' : ' dated'}`,
    ...(state.dropped === undefined ? [] : [`dropped ${state.dropped.map(letter).join('')}`]),
  ].join(', ');
}

describe('planRotation()', () => {
  const cases: [string, () => Case, string][] = [
    ['founds where there is nothing', () => ({ state: undefined }), 'found: signing c, next -, retired -'],
    [
      'founds beside what configurations carry, whoever issued it',
      () => ({ state: undefined, published: [[a], corporate.toString()] }),
      'found: signing c, next -, retired acorporate',
    ],
    [
      'founds without what has expired',
      () => ({ state: undefined, published: [[a]], now: start + life + hour }),
      'found: signing c, next -, retired -',
    ],
    ['rests while the authority is young', () => ({ state: { signing: a }, settled: [a] }), 'rest'],
    ['rests until two thirds of its life', () => ({ state: { signing: a }, now: due - 1 }), 'rest'],
    [
      'prepares at two thirds of its life',
      () => ({ state: { signing: a }, now: due }),
      'prepare: signing a, next c, retired -',
    ],
    [
      'prepares a year later, after everybody was asleep',
      () => ({ state: { signing: a }, now: start + 365 * 24 * hour }),
      'prepare: signing a, next c, retired -',
    ],
    ['waits until the new one has settled', () => ({ state: { signing: a, next: b }, now: due, settled: [a] }), 'rest'],
    [
      'promotes once the new one has settled',
      () => ({ state: { signing: a, next: b }, now: due, settled: [a, b] }),
      'promote: signing b, next -, retired a',
    ],
    [
      'promotes at once when nothing else can sign any more',
      () => ({ state: { signing: a, next: b }, now: start + life + 1 }),
      'promote: signing b, next -, retired a',
    ],
    [
      'promotes one that is due itself rather than losing what has settled',
      () => ({ state: { signing: a, next: b }, now: due + (2 / 3) * life + hour, settled: [b] }),
      'promote: signing b, next -, retired a',
    ],
    [
      'waits with one from the future, of a replica whose clock is ahead',
      () => ({ state: { signing: a, next: b }, now: start + hour, settled: [a, b] }),
      'rest',
    ],
    [
      'replaces a new one that is due before it was ever promoted',
      () => ({ state: { signing: a, next: a }, now: due }),
      'prepare: signing a, next c, retired -',
    ],
    [
      'prepares no third one beside two',
      () => ({ state: { signing: a, next: b }, now: due + hour, settled: [a] }),
      'rest',
    ],
    [
      'keeps those that are already retired when it promotes, and dates them anew',
      () => ({
        state: { signing: b, next: c, retired: { certificates: [a.certificate], since: new Date(due) } },
        now: due + hour,
        settled: [b, c],
      }),
      'promote: signing c, next -, retired ab',
    ],
    [
      'dates what is retired',
      () => ({ state: { signing: b, retired: { certificates: [a.certificate] } }, now: due, settled: [b] }),
      'date-retired: signing b, next -, retired a dated',
    ],
    [
      'keeps the retired through the overlap',
      () => ({
        state: { signing: b, retired: { certificates: [a.certificate], since: new Date(due) } },
        now: due + overlapMilliseconds - 1,
        settled: [b],
      }),
      'rest',
    ],
    [
      'drops the retired after the overlap',
      () => ({
        state: { signing: b, retired: { certificates: [a.certificate], since: new Date(due) } },
        now: due + overlapMilliseconds,
        settled: [b],
      }),
      'drop-retired: signing b, next -, retired -, dropped a',
    ],
    [
      'drops nothing before what signs has settled everywhere',
      () => ({
        state: { signing: b, retired: { certificates: [a.certificate], since: new Date(due) } },
        now: due + overlapMilliseconds,
      }),
      'rest',
    ],
    [
      'takes what was dropped, and is still carried by a late configuration, for late',
      () => ({
        state: { signing: b, dropped: [a.certificate.fingerprint256] },
        now: due,
        published: [[a, b], [b]],
        settled: [b],
      }),
      'rest',
    ],
    [
      'retains what a configuration carries and the state has lost, as after a restored backup',
      () => ({ state: { signing: a }, now: due - 1, published: [[a], [a, b]], settled: [a] }),
      'retain: signing a, next -, retired b',
    ],
    [
      'retains before anything else',
      () => ({ state: { signing: a, next: b }, now: due, published: [[a, b, c]], settled: [a, b] }),
      'retain: signing a, next b, retired c',
    ],
    [
      'retains beside those already retired, to be dated anew',
      () => ({
        state: { signing: c, retired: { certificates: [a.certificate], since: new Date(due) } },
        now: due + hour,
        published: [[a, b]],
      }),
      'retain: signing c, next -, retired ab',
    ],
    [
      'does not adopt what somebody else wrote into a configuration',
      () => ({ state: { signing: a }, published: [a.certificatePem + corporate.toString()] }),
      'rest',
    ],
    [
      'does not retain what has expired',
      () => ({ state: { signing: c }, now: start + life + 1, published: [[a]] }),
      'rest',
    ],
    ['rests while nothing is registered', () => ({ state: { signing: a }, published: [] }), 'rest'],
    ['rests while a configuration carries garbage', () => ({ state: { signing: a }, published: ['garbage'] }), 'rest'],
  ];

  it.each(cases)('%s', (_, make, expected) => {
    expect(summarize(plan(make()))).toBe(expected);
  });

  it('dates with the time it was told', () => {
    const state = { signing: b, retired: { certificates: [a.certificate] } };
    const step = plan({ state, now: due + 7 });
    expect(step).toMatchObject({ state: { retired: { since: new Date(due + 7) } } });
  });
});
