import { quote } from '../../api/go-quote.ts';
import { scanCost } from '../cost.ts';
import { globalOverload, memberOverload } from '../function.ts';
import { BoolType, IntType, StringType, opaqueType } from '../types.ts';
import { EvaluationError, OpaqueValue, noSuchOverload } from '../values.ts';
import { encodeUtf8 } from './byte-string.ts';
import { Failure } from './failure.ts';
import { IpType, IpValue, toIp } from './ip.ts';
import {
  formatPrefix,
  isIPv4Mapped,
  maskPrefix,
  parsePrefix,
  prefixContains,
  prefixesOverlap,
  sameAddress,
} from './netip.ts';
import type { Library } from '../environment.ts';
import type { Type } from '../types.ts';
import type { Value } from '../values.ts';
import type { Prefix } from './netip.ts';

/** A network in CIDR notation, host bits kept: what `cidr("10.0.0.0/8")` gives. */
class CidrValue extends OpaqueValue {
  override readonly type = CidrType;
  /** The bytes that the prefix reaches into, not those of the address. */
  override readonly size: number;
  readonly prefix: Prefix;

  constructor(prefix: Prefix) {
    super();
    this.prefix = prefix;
    this.size = Math.ceil(prefix.length / 8);
  }

  override equals(other: Value): boolean | EvaluationError {
    if (!(other instanceof CidrValue)) return noSuchOverload();
    return this.prefix.length === other.prefix.length && sameAddress(this.prefix.address, other.prefix.address);
  }
}

const CidrType: Type<CidrValue> = opaqueType('net.CIDR');

/**
 * `cidr`, `isCIDR`, `containsIP`, `containsCIDR`, `ip`, `prefixLength`, `masked`, `string(cidr)`.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/cel/library/cidr.go.
 */
export const cidrLibrary: Library = {
  name: 'kubernetes.net.cidr',
  types: [CidrType],
  functions: [
    {
      name: 'cidr',
      cost: (_, [text]) => scanCost(text),
      overloads: [globalOverload('string_to_cidr', [StringType], CidrType, toCidr)],
    },
    {
      name: 'isCIDR',
      cost: (_, [text]) => scanCost(text),
      overloads: [globalOverload('is_cidr', [StringType], BoolType, (text) => !(parse(text) instanceof Failure))],
    },
    {
      name: 'containsIP',
      cost: (overloadId, [cidr, other]) =>
        scanCost(cidr, 2) + (overloadId === 'cidr_contains_ip_string' ? scanCost(other) : 0),
      overloads: [
        memberOverload('cidr_contains_ip_string', [CidrType, StringType], BoolType, (cidr, text) => {
          const ip = toIp(text);
          // The server loses the reason of a bad address here, unlike in containsCIDR.
          return ip instanceof IpValue ? prefixContains(cidr.prefix, ip.address) : noSuchOverload();
        }),
        memberOverload('cidr_contains_ip_ip', [CidrType, IpType], BoolType, (cidr, ip) =>
          prefixContains(cidr.prefix, ip.address),
        ),
      ],
    },
    {
      name: 'containsCIDR',
      cost: (overloadId, [cidr, other]) =>
        scanCost(cidr, 2) + scanCost(cidr) + 1 + (overloadId === 'cidr_contains_cidr_string' ? scanCost(other) : 0),
      overloads: [
        memberOverload('cidr_contains_cidr_string', [CidrType, StringType], BoolType, (cidr, text) => {
          const other = toCidr(text);
          return other instanceof CidrValue ? contains(cidr.prefix, other.prefix) : other;
        }),
        memberOverload('cidr_contains_cidr', [CidrType, CidrType], BoolType, (cidr, other) =>
          contains(cidr.prefix, other.prefix),
        ),
      ],
    },
    {
      name: 'ip',
      overloads: [memberOverload('cidr_ip', [CidrType], IpType, ({ prefix }) => new IpValue(prefix.address))],
    },
    {
      name: 'prefixLength',
      cost: () => 1,
      overloads: [memberOverload('cidr_prefix_length', [CidrType], IntType, ({ prefix }) => BigInt(prefix.length))],
    },
    {
      name: 'masked',
      cost: () => 1,
      overloads: [
        memberOverload('cidr_masked', [CidrType], CidrType, ({ prefix }) => new CidrValue(maskPrefix(prefix))),
      ],
    },
    {
      name: 'string',
      overloads: [globalOverload('cidr_to_string', [CidrType], StringType, ({ prefix }) => formatPrefix(prefix))],
    },
  ],
};

function toCidr(text: string): CidrValue | EvaluationError {
  const prefix = parse(text);
  if (!(prefix instanceof Failure)) return new CidrValue(prefix);
  // Twice: the server says it once in parseCIDR and once more around it.
  return new EvaluationError(`network address parse error during conversion from string: ${prefix.message}`);
}

function contains(outer: Prefix, inner: Prefix): boolean {
  return prefixesOverlap(outer, inner) && outer.length <= inner.length;
}

function parse(text: string): Prefix | Failure {
  const prefix = parsePrefix(encodeUtf8(text));
  if (prefix instanceof Failure) {
    return new Failure(`network address parse error during conversion from string: ${prefix.message}`);
  }
  if (isIPv4Mapped(prefix.address)) return new Failure(`IPv4-mapped IPv6 address ${quote(text)} is not allowed`);
  return prefix;
}
