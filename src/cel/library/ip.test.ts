import { describe, expect, it } from 'vitest';
import { compile, createAdmissionEnvironment } from '../index.ts';

const environment = createAdmissionEnvironment();

function evaluate(expression: string) {
  const compiled = compile(expression, environment);
  return compiled.ok ? compiled.program.evaluate(new Map()) : compiled;
}

describe('ipLibrary', () => {
  it.each([
    ['string(ip("2001:DB8::0:0:ABCD"))', '2001:db8::abcd'],
    ['ip("127.0.0.1").family()', 4n],
    ['ip("::1").family()', 6n],
    ['isIP("127.0.0.1")', true],
    ['isIP("::ffff:1.2.3.4")', false],
    ['isIP("fe80::1%eth0")', false],
    ['isIP("127.0.0.01")', false],
    ['ip.isCanonical("2001:db8::abcd")', true],
    ['ip.isCanonical("2001:DB8::ABCD")', false],
    ['ip("0.0.0.0").isUnspecified()', true],
    ['ip("127.9.9.9").isLoopback()', true],
    ['ip("::2").isLoopback()', false],
    ['ip("224.0.0.1").isLinkLocalMulticast()', true],
    ['ip("ff05::1").isLinkLocalMulticast()', false],
    ['ip("169.254.169.254").isLinkLocalUnicast()', true],
    ['ip("fec0::1").isLinkLocalUnicast()', false],
    ['ip("192.168.0.1").isGlobalUnicast()', true],
    ['ip("255.255.255.255").isGlobalUnicast()', false],
    ['ip("::1") == ip("0:0::1")', true],
    ['ip("1.2.3.4") == ip("::1.2.3.4")', false],
    ['type(ip("::1")) == net.IP', true],
  ])('%s', (expression, expected) => {
    expect(evaluate(expression)).toMatchObject({ ok: true, value: expected });
  });

  it.each([
    [
      'ip("1.2.3")',
      'IP Address "1.2.3" parse error during conversion from string: ParseAddr("1.2.3"): IPv4 address too short',
    ],
    ['ip("::ffff:1.2.3.4")', 'IPv4-mapped IPv6 address "::ffff:1.2.3.4" is not allowed'],
    ['ip("fe80::1%eth0")', 'IP address "fe80::1%eth0" with zone value is not allowed'],
    [
      'ip.isCanonical("x")',
      'IP Address "x" parse error during conversion from string: ParseAddr("x"): unable to parse IP',
    ],
    ['dyn(ip("::1")) == "::1"', 'no such overload'],
  ])('%s fails: %s', (expression, expected) => {
    expect(evaluate(expression)).toMatchObject({ ok: false, error: { message: expected } });
  });

  it.each([
    ['ip("2001:db8::abcd")', 2],
    ['ip.isCanonical("2001:db8::abcd")', 3],
    ['ip("::1").isLoopback()', 2],
    ['ip("::1") == ip("::1")', 3],
    ['ip("::1") != ip("::1")', 4],
  ])('%s costs %d', (expression, expected) => {
    expect(evaluate(expression)).toMatchObject({ cost: expected });
  });
});
