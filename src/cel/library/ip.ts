import { quote } from '../../api/go-quote.ts';
import { scanCost } from '../cost.ts';
import { globalOverload, memberOverload } from '../function.ts';
import { BoolType, IntType, StringType, opaqueType } from '../types.ts';
import { EvaluationError, OpaqueValue, noSuchOverload } from '../values.ts';
import { encodeUtf8 } from './byte-string.ts';
import { Failure } from './failure.ts';
import {
  formatAddress,
  isGlobalUnicast,
  isIPv4Mapped,
  isLinkLocalMulticast,
  isLinkLocalUnicast,
  isLoopback,
  isUnspecified,
  parseAddress,
  sameAddress,
  width,
} from './netip.ts';
import type { Library } from '../environment.ts';
import type { Type } from '../types.ts';
import type { Value } from '../values.ts';
import type { Address } from './netip.ts';

/** An IP address: what `ip("10.0.0.1")` gives. */
export class IpValue extends OpaqueValue {
  override readonly type = IpType;
  override readonly size: number;
  readonly address: Address;

  constructor(address: Address) {
    super();
    this.address = address;
    this.size = width(address) / 8;
  }

  override equals(other: Value): boolean | EvaluationError {
    return other instanceof IpValue ? sameAddress(this.address, other.address) : noSuchOverload();
  }
}

/** The type of {@link IpValue}. */
export const IpType: Type<IpValue> = opaqueType('net.IP');

/**
 * `ip`, `isIP`, `ip.isCanonical`, `family`, `isUnspecified`, `isLoopback`, `isLinkLocalMulticast`,
 * `isLinkLocalUnicast`, `isGlobalUnicast`, `string(ip)`.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/cel/library/ip.go.
 */
export const ipLibrary: Library = {
  name: 'kubernetes.net.ip',
  types: [IpType],
  functions: [
    {
      name: 'ip',
      // One function with cidr's <cidr>.ip(), which only reads a field.
      cost: (overloadId, [text]) => (overloadId === 'cidr_ip' ? 1 : scanCost(text)),
      overloads: [globalOverload('string_to_ip', [StringType], IpType, toIp)],
    },
    {
      name: 'isIP',
      cost: (_, [text]) => scanCost(text),
      overloads: [globalOverload('is_ip', [StringType], BoolType, (text) => !(parse(text) instanceof Failure))],
    },
    {
      name: 'ip.isCanonical',
      cost: (_, [text]) => scanCost(text, 2),
      overloads: [globalOverload('ip_is_canonical', [StringType], BoolType, isCanonical)],
    },
    {
      name: 'family',
      cost: () => 1,
      overloads: [memberOverload('ip_family', [IpType], IntType, ({ address }) => BigInt(address.family))],
    },
    question('isUnspecified', 'ip_is_unspecified', isUnspecified),
    question('isLoopback', 'ip_is_loopback', isLoopback),
    question('isLinkLocalMulticast', 'ip_is_link_local_multicast', isLinkLocalMulticast),
    question('isLinkLocalUnicast', 'ip_is_link_local_unicast', isLinkLocalUnicast),
    question('isGlobalUnicast', 'ip_is_global_unicast', isGlobalUnicast),
    {
      name: 'string',
      overloads: [globalOverload('ip_to_string', [IpType], StringType, ({ address }) => formatAddress(address))],
    },
  ],
};

/** The address of `text`, or the error that `ip(text)` gives. */
export function toIp(text: string): IpValue | EvaluationError {
  const address = parse(text);
  return address instanceof Failure ? new EvaluationError(address.message) : new IpValue(address);
}

function question(name: string, overloadId: string, ask: (address: Address) => boolean): Library['functions'][number] {
  return {
    name,
    cost: () => 1,
    overloads: [memberOverload(overloadId, [IpType], BoolType, ({ address }) => ask(address))],
  };
}

function isCanonical(text: string): boolean | EvaluationError {
  const address = parse(text);
  return address instanceof Failure ? new EvaluationError(address.message) : formatAddress(address) === text;
}

function parse(text: string): Address | Failure {
  const address = parseAddress(encodeUtf8(text));
  if (address instanceof Failure) {
    return new Failure(`IP Address ${quote(text)} parse error during conversion from string: ${address.message}`);
  }
  if (address.zone !== '') return new Failure(`IP address ${quote(text)} with zone value is not allowed`);
  if (isIPv4Mapped(address)) return new Failure(`IPv4-mapped IPv6 address ${quote(text)} is not allowed`);
  return address;
}
