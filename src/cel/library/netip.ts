import { quoteBytes } from './byte-string.ts';
import { Failure } from './failure.ts';
import type { ByteString } from './byte-string.ts';

/*
 * IP addresses and network prefixes as Go's net/netip reads, prints and compares them (Go 1.26, net/netip/netip.go).
 *
 * parseAddress also reads zones and IPv4-mapped addresses, which URLs may hold. The ip and cidr libraries refuse both,
 * so that what prints, compares and classifies addresses need not know of them.
 */

/** An IP address. `bits` is its number: 32 bits wide for family 4, 128 for family 6. `zone` is "" when there is none. */
export interface Address {
  readonly family: 4 | 6;
  readonly bits: bigint;
  readonly zone: ByteString;
}

/** A network prefix. The host bits of `address` are kept as written. */
export interface Prefix {
  readonly address: Address;
  /** How many leading bits name the network: 0–32 or 0–128. */
  readonly length: number;
}

/** Reads an IPv4 or IPv6 address; the failure's text is that of `netip.ParseAddr`. */
export function parseAddress(text: ByteString): Address | Failure {
  const sign = /[.:%]/.exec(text)?.[0];
  if (sign === '.') {
    const bits = parseDottedQuad(text, text);
    return bits instanceof Failure ? bits : { family: 4, bits, zone: '' };
  }
  if (sign === ':') return parseIPv6(text);
  // A zone without its address, or nothing that looks like an address.
  return addressFailure(text, sign === '%' ? 'missing IPv6 address' : 'unable to parse IP');
}

/** Reads CIDR notation; the failure's text is that of `netip.ParsePrefix`. */
export function parsePrefix(text: ByteString): Prefix | Failure {
  const slash = text.lastIndexOf('/');
  if (slash < 0) return prefixFailure(text, "no '/'");
  const address = parseAddress(text.slice(0, slash));
  if (address instanceof Failure) return prefixFailure(text, address.message);
  if (address.zone !== '') return prefixFailure(text, 'IPv6 zones cannot be present in a prefix');
  const digits = text.slice(slash + 1);
  if (!/^(?:[0-9]|[1-9][0-9]+)$/.test(digits) || BigInt(digits) > MAX_INT64) {
    return prefixFailure(text, `bad bits after slash: ${quoteBytes(digits)}`);
  }
  const length = Number(digits);
  if (length > width(address)) return prefixFailure(text, 'prefix length out of range');
  return { address, length };
}

/** The one canonical text of an address: dotted decimal, or RFC 5952 section 4. */
export function formatAddress({ family, bits }: Address): ByteString {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((bits >> shift) & 0xffn)).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => Number((bits >> BigInt(112 - 16 * index)) & 0xffffn));
  const zeros = longestRunOfZeros(groups);
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  if (zeros === undefined) return hex(groups);
  return `${hex(groups.slice(0, zeros.start))}::${hex(groups.slice(zeros.end))}`;
}

/** The text of a prefix: the address, host bits included, a slash and the length. */
export function formatPrefix(prefix: Prefix): ByteString {
  return `${formatAddress(prefix.address)}/${prefix.length}`;
}

/** How many bits an address of this family has. */
export function width({ family }: Address): 32 | 128 {
  return family === 4 ? 32 : 128;
}

/** Whether it is an IPv6 address that carries an IPv4 one: `::ffff:1.2.3.4`. */
export function isIPv4Mapped({ family, bits }: Address): boolean {
  return family === 6 && bits >> 32n === 0xffffn;
}

/** Whether both are the same address of the same family. */
export function sameAddress(a: Address, b: Address): boolean {
  return a.family === b.family && a.bits === b.bits;
}

/** `0.0.0.0` or `::`. */
export function isUnspecified({ bits }: Address): boolean {
  return bits === 0n;
}

/** `127.0.0.0/8` or `::1`. */
export function isLoopback({ family, bits }: Address): boolean {
  return family === 4 ? bits >> 24n === 127n : bits === 1n;
}

/** `224.0.0.0/24` or a multicast address of link-local scope (`ffx2::/16`). */
export function isLinkLocalMulticast({ family, bits }: Address): boolean {
  return family === 4 ? bits >> 8n === 0xe0_0000n : ((bits >> 112n) & 0xff0fn) === 0xff02n;
}

/** `169.254.0.0/16` or `fe80::/10`. */
export function isLinkLocalUnicast({ family, bits }: Address): boolean {
  return family === 4 ? bits >> 16n === 0xa9fen : bits >> 118n === 0xfe80n >> 6n;
}

/** Neither unspecified, IPv4 broadcast, loopback, multicast nor link-local; private ranges count as global. */
export function isGlobalUnicast(address: Address): boolean {
  if (address.family === 4 && address.bits === 0xffff_ffffn) return false;
  return !isUnspecified(address) && !isLoopback(address) && !isMulticast(address) && !isLinkLocalUnicast(address);
}

/** The prefix with its host bits cleared. */
export function maskPrefix({ address, length }: Prefix): Prefix {
  const hostBits = BigInt(width(address) - length);
  return { address: { ...address, bits: (address.bits >> hostBits) << hostBits }, length };
}

/** Whether the network holds the address; never across families. */
export function prefixContains(prefix: Prefix, address: Address): boolean {
  if (prefix.address.family !== address.family) return false;
  return networkOf(prefix.address, prefix.length) === networkOf(address, prefix.length);
}

/** Whether two networks share an address; never across families. */
export function prefixesOverlap(a: Prefix, b: Prefix): boolean {
  const length = Math.min(a.length, b.length);
  return a.address.family === b.address.family && networkOf(a.address, length) === networkOf(b.address, length);
}

// strconv.Atoi fails beyond it, with the same text as for a bad digit.
const MAX_INT64 = (1n << 63n) - 1n;

function networkOf(address: Address, length: number): bigint {
  return address.bits >> BigInt(width(address) - length);
}

function isMulticast({ family, bits }: Address): boolean {
  return family === 4 ? bits >> 28n === 0xen : bits >> 120n === 0xffn;
}

function parseIPv6(text: ByteString): Address | Failure {
  const percent = text.indexOf('%');
  const zone = percent < 0 ? '' : text.slice(percent + 1);
  if (percent >= 0 && zone === '') return addressFailure(text, 'zone must be a non-empty string');
  let rest = percent < 0 ? text : text.slice(0, percent);
  const groups: number[] = [];
  /** How many groups stand before the `::`. */
  let ellipsis: number | undefined;
  if (rest.startsWith('::')) {
    ellipsis = 0;
    rest = rest.slice(2);
    if (rest === '') return { family: 6, bits: 0n, zone };
  }
  while (groups.length < 8) {
    const digits = /^[0-9a-fA-F]*/.exec(rest)?.[0] ?? '';
    if (digits.length > 4) return addressFailure(text, 'each group must have 4 or less digits', rest);
    if (digits === '') return addressFailure(text, 'each colon-separated field must have at least one digit', rest);
    if (rest[digits.length] === '.') {
      if (ellipsis === undefined && groups.length !== 6) {
        return addressFailure(text, 'embedded IPv4 address must replace the final 2 fields of the address', rest);
      }
      if (groups.length > 6) {
        return addressFailure(text, 'too many hex fields to fit an embedded IPv4 at the end of the address', rest);
      }
      const quad = parseDottedQuad(text, rest);
      if (quad instanceof Failure) return quad;
      groups.push(Number(quad >> 16n), Number(quad & 0xffffn));
      rest = '';
      break;
    }
    groups.push(Number.parseInt(digits, 16));
    rest = rest.slice(digits.length);
    if (rest === '') break;
    if (rest[0] !== ':') return addressFailure(text, 'unexpected character, want colon', rest);
    if (rest.length === 1) return addressFailure(text, 'colon must be followed by more characters', rest);
    rest = rest.slice(1);
    if (rest[0] === ':') {
      if (ellipsis !== undefined) return addressFailure(text, 'multiple :: in address', rest);
      ellipsis = groups.length;
      rest = rest.slice(1);
      if (rest === '') break;
    }
  }
  if (rest !== '') return addressFailure(text, 'trailing garbage after address', rest);
  if (groups.length < 8) {
    if (ellipsis === undefined) return addressFailure(text, 'address string too short');
    groups.splice(ellipsis, 0, ...Array<number>(8 - groups.length).fill(0));
  } else if (ellipsis !== undefined) {
    return addressFailure(text, 'the :: must expand to at least one field of zeros');
  }
  return { family: 6, bits: groups.reduce((bits, group) => (bits << 16n) | BigInt(group), 0n), zone };
}

/** The 32 bits of dotted decimal `quad`, which is `text` or its end; `text` is named in failures. */
function parseDottedQuad(text: ByteString, quad: ByteString): bigint | Failure {
  let bits = 0n;
  let octet = 0;
  let dots = 0;
  let digits = 0;
  for (let index = 0; index < quad.length; index += 1) {
    const character = quad.charAt(index);
    if (character >= '0' && character <= '9') {
      if (digits === 1 && octet === 0) return addressFailure(text, 'IPv4 field has octet with leading zero');
      octet = octet * 10 + Number(character);
      digits += 1;
      if (octet > 255) return addressFailure(text, 'IPv4 field has value >255');
    } else if (character === '.') {
      if (digits === 0 || index === quad.length - 1) {
        return addressFailure(text, 'IPv4 field must have at least one digit', quad.slice(index));
      }
      if (dots === 3) return addressFailure(text, 'IPv4 address too long');
      bits = (bits << 8n) | BigInt(octet);
      dots += 1;
      octet = 0;
      digits = 0;
    } else {
      return addressFailure(text, 'unexpected character', quad.slice(index));
    }
  }
  return dots < 3 ? addressFailure(text, 'IPv4 address too short') : (bits << 8n) | BigInt(octet);
}

/** The first longest run of at least two zero groups, `end` exclusive. */
function longestRunOfZeros(groups: readonly number[]): { readonly start: number; readonly end: number } | undefined {
  let longest: { readonly start: number; readonly end: number } | undefined;
  for (let start = 0; start < groups.length; start += 1) {
    let end = start;
    while (groups[end] === 0) end += 1;
    if (end - start >= 2 && (longest === undefined || end - start > longest.end - longest.start))
      longest = { start, end };
  }
  return longest;
}

function addressFailure(text: ByteString, problem: string, at?: ByteString): Failure {
  const where = at === undefined || at === '' ? '' : ` (at ${quoteBytes(at)})`;
  return new Failure(`ParseAddr(${quoteBytes(text)}): ${problem}${where}`);
}

function prefixFailure(text: ByteString, problem: string): Failure {
  return new Failure(`netip.ParsePrefix(${quoteBytes(text)}): ${problem}`);
}
