import { describe, expect, it } from 'vitest';
import { compile, createAdmissionEnvironment } from '../index.ts';

const environment = createAdmissionEnvironment();

function evaluate(expression: string) {
  const compiled = compile(expression, environment);
  return compiled.ok ? compiled.program.evaluate(new Map()) : compiled;
}

describe('cidrLibrary', () => {
  it.each([
    ['string(cidr("10.1.2.3/8"))', '10.1.2.3/8'],
    ['string(cidr("10.1.2.3/8").masked())', '10.0.0.0/8'],
    ['string(cidr("10.1.2.3/8").ip())', '10.1.2.3'],
    ['cidr("::1/128").prefixLength()', 128n],
    ['isCIDR("10.0.0.0/33")', false],
    ['isCIDR("10.0.0.0/08")', false],
    ['isCIDR("::ffff:1.2.3.4/120")', false],
    ['cidr("10.0.0.0/8").containsIP("10.255.0.1")', true],
    ['cidr("10.0.0.0/8").containsIP(ip("11.0.0.0"))', false],
    ['cidr("::/0").containsIP("10.0.0.1")', false],
    ['cidr("10.0.0.0/8").containsCIDR("10.1.0.0/16")', true],
    ['cidr("10.1.0.0/16").containsCIDR(cidr("10.0.0.0/8"))', false],
    ['cidr("10.0.0.1/8") == cidr("10.0.0.0/8")', false],
    ['type(cidr("::/0")) == net.CIDR', true],
  ])('%s', (expression, expected) => {
    expect(evaluate(expression)).toMatchObject({ ok: true, value: expected });
  });

  it.each([
    [
      'cidr("10.0.0.0")',
      'network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("10.0.0.0"): no \'/\'',
    ],
    [
      'cidr("::ffff:1.2.3.4/120")',
      'network address parse error during conversion from string: IPv4-mapped IPv6 address "::ffff:1.2.3.4/120" is not allowed',
    ],
    ['cidr("10.0.0.0/8").containsIP("x")', 'no such overload'],
    [
      'cidr("10.0.0.0/8").containsCIDR("10.0.0.0/33")',
      'network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("10.0.0.0/33"): prefix length out of range',
    ],
  ])('%s fails: %s', (expression, expected) => {
    expect(evaluate(expression)).toMatchObject({ ok: false, error: { message: expected } });
  });

  it.each([
    ['cidr("10.0.0.0/8").containsIP("10.255.0.1")', 3],
    ['cidr("2001:db8::/128").containsIP(ip("::1"))', 7],
    ['cidr("10.0.0.0/8").containsCIDR("10.1.0.0/16")', 6],
    ['cidr("::/0") == cidr("::/0")', 3],
    ['cidr("::/0") != cidr("::/0")', 2],
    ['cidr("10.0.0.0/8").ip()', 2],
  ])('%s costs %d', (expression, expected) => {
    expect(evaluate(expression)).toMatchObject({ cost: expected });
  });
});
