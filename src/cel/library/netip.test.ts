import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Failure } from './failure.ts';
import {
  formatAddress,
  formatPrefix,
  maskPrefix,
  parseAddress,
  parsePrefix,
  prefixContains,
  prefixesOverlap,
} from './netip.ts';
import type { Address, Prefix } from './netip.ts';

const address: fc.Arbitrary<Address> = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }).map((bits) => ({ family: 4 as const, bits, zone: '' })),
  fc
    // Mostly zeros, so that "::" has something to stand for.
    .array(fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 0xffffn })), { minLength: 8, maxLength: 8 })
    .map((groups) => ({
      family: 6 as const,
      bits: groups.reduce((bits, group) => (bits << 16n) | group, 0n),
      zone: '',
    })),
);
const prefix: fc.Arbitrary<Prefix> = address.chain((base) =>
  fc.nat(base.family === 4 ? 32 : 128).map((length) => ({ address: base, length })),
);

describe('parseAddress()', () => {
  it('reads what formatAddress() prints', () => {
    fc.assert(
      fc.property(address, (one) => {
        expect(parseAddress(formatAddress(one))).toEqual(one);
      }),
    );
  });

  it('never throws', () => {
    const texts = fc.string({ unit: fc.constantFrom(...'0123456789abcdefg.:%/\xe6') });
    fc.assert(fc.property(texts, (text) => void parseAddress(text)));
  });

  it('keeps the zone, which URLs may hold', () => {
    expect(parseAddress('fe80::1%eth0')).toEqual({
      family: 6,
      bits: 0xfe80_0000_0000_0000_0000_0000_0000_0001n,
      zone: 'eth0',
    });
  });
});

describe('parsePrefix()', () => {
  it('reads what formatPrefix() prints', () => {
    fc.assert(
      fc.property(prefix, (one) => {
        expect(parsePrefix(formatPrefix(one))).toEqual(one);
      }),
    );
  });

  it.each(['fe80::1%eth0/64', '1.2.3.4/033', '1.2.3.4', '1.2.3.4/33', '::/129'])('refuses %s', (text) => {
    expect(parsePrefix(text)).toBeInstanceOf(Failure);
  });
});

describe('prefixes', () => {
  it('contain their own addresses, masked and not', () => {
    fc.assert(
      fc.property(prefix, (one) => {
        expect(prefixContains(one, one.address)).toBe(true);
        expect(prefixContains(one, maskPrefix(one).address)).toBe(true);
        expect(maskPrefix(maskPrefix(one))).toEqual(maskPrefix(one));
      }),
    );
  });

  it('overlap when one contains the address of the other', () => {
    fc.assert(
      fc.property(prefix, prefix, (a, b) => {
        const oneContains = prefixContains(a, maskPrefix(b).address) || prefixContains(b, maskPrefix(a).address);
        expect(prefixesOverlap(a, b)).toBe(oneContains);
      }),
    );
  });
});
