import { quoteBytes } from './byte-string.ts';
import { Failure } from './failure.ts';
import { parseAddress } from './netip.ts';
import type { ByteString } from './byte-string.ts';

/*
 * URLs as Go's net/url reads and prints them (Go 1.26, net/url/url.go), which is not how browsers do: nothing is
 * resolved, re-encoded or given a default, and a path without scheme or host is a URL.
 */

/** A URL taken apart. Absent parts are "". */
export interface GoUrl {
  /** Lower case. */
  readonly scheme: ByteString;
  /** What follows a scheme without slash, still encoded: `mailto:a@b`. */
  readonly opaque: ByteString;
  /** Unescaped; no `password` when there is no colon. */
  readonly user: { readonly name: ByteString; readonly password?: ByteString } | undefined;
  /** Host with port, unescaped; an IPv6 address in brackets. */
  readonly host: ByteString;
  readonly path: EscapedText;
  readonly fragment: EscapedText;
  /** Still encoded, without the question mark. */
  readonly rawQuery: ByteString;
  /** Whether there is a question mark with nothing behind it. */
  readonly forceQuery: boolean;
  /** Whether a scheme is followed by a path at once: `file:/etc`. */
  readonly omitHost: boolean;
}

/** A part both ways: as it means, and as it was written. */
interface EscapedText {
  readonly text: ByteString;
  readonly escaped: ByteString;
}

/** Reads an absolute URL or an absolute path; a `#` is no fragment here. Source: `url.ParseRequestURI`. */
export function parseRequestURI(raw: ByteString): GoUrl | Failure {
  const parsed = parseWithoutFragment(raw, true);
  return parsed instanceof Failure ? urlFailure(raw, parsed) : parsed;
}

/** Reads any URL reference with its fragment. Source: `url.Parse`. */
export function parseURL(raw: ByteString): GoUrl | Failure {
  const [beforeFragment, fragment] = cut(raw, '#');
  const parsed = parseWithoutFragment(beforeFragment, false);
  if (parsed instanceof Failure) return urlFailure(beforeFragment, parsed);
  const text = unescape(fragment, 'fragment');
  if (text instanceof Failure) return urlFailure(raw, text);
  return { ...parsed, fragment: { text, escaped: writtenOrEscaped(fragment, text, 'fragment') } };
}

/** The host without port and brackets. */
export function hostname(url: GoUrl): ByteString {
  return splitHostPort(url.host).host;
}

/** The digits of the port, or "". */
export function port(url: GoUrl): ByteString {
  return splitHostPort(url.host).port;
}

/** The path as written where that is a valid way to write it, else escaped. */
export function escapedPath(url: GoUrl): ByteString {
  return url.path.escaped;
}

/**
 * The query's values by key, both unescaped, in the order written. Parts that cannot be unescaped or hold a semicolon
 * are left out; so is everything of a query of more than 10,000 parts.
 */
export function queryOf(url: GoUrl): Map<ByteString, ByteString[]> {
  const values = new Map<ByteString, ByteString[]>();
  const parts = url.rawQuery.split('&');
  if (parts.length > MAX_QUERY_PARTS) return values;
  for (const part of parts) {
    if (part === '' || part.includes(';')) continue;
    const [rawKey, rawValue] = cut(part, '=');
    const key = unescape(rawKey, 'queryComponent');
    const value = unescape(rawValue, 'queryComponent');
    if (key instanceof Failure || value instanceof Failure) continue;
    const others = values.get(key);
    if (others === undefined) values.set(key, [value]);
    else others.push(value);
  }
  return values;
}

/** The URL put together again. Source: `(*URL).String`. */
export function formatURL(url: GoUrl): ByteString {
  const { scheme, opaque, user, host, path, fragment, rawQuery } = url;
  let text = scheme === '' ? '' : `${scheme}:`;
  if (opaque !== '') {
    text += opaque;
  } else {
    const hasAuthority = host !== '' || user !== undefined;
    if (hasAuthority || (scheme !== '' && !url.omitHost && path.text !== '')) text += '//';
    if (user !== undefined) text += `${formatUser(user)}@`;
    text += escape(host, 'host');
    if (path.escaped !== '' && !path.escaped.startsWith('/') && host !== '') text += '/';
    text += path.escaped;
  }
  if (url.forceQuery || rawQuery !== '') text += `?${rawQuery}`;
  if (fragment.text !== '') text += `#${fragment.escaped}`;
  return text;
}

// net/url's defaultMaxParams.
const MAX_QUERY_PARTS = 10_000;

/** What each part of a URL must escape: all but what net/url/encoding_table.go says of it. */
const ESCAPED = {
  path: /[^\w\-.~$&+,/:;=@]+/g,
  host: /[^\w\-.~!"$&'()*+,:;<=>[\]]+/g,
  userPassword: /[^\w\-.~$&+,;=]+/g,
  fragment: /[^\w\-.~!$&()*+,/:;=?@]+/g,
} as const;

/** What a path and a fragment are left with when they were written so. */
const VALID_AS_WRITTEN = {
  path: /^[\w\-.~$&+,/:;=@!'()*[\]%]*$/,
  fragment: /^[\w\-.~$&+,/:;=@!'()*[\]%?]*$/,
} as const;

const NO_TEXT: EscapedText = { text: '', escaped: '' };

function parseWithoutFragment(raw: ByteString, viaRequest: boolean): GoUrl | Failure {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\x00-\x1f\x7f]/.test(raw)) return new Failure('net/url: invalid control character in URL');
  if (raw === '' && viaRequest) return new Failure('empty url');
  const nothing = { scheme: '', opaque: '', user: undefined, host: '', path: NO_TEXT, fragment: NO_TEXT };
  if (raw === '*') {
    return { ...nothing, path: { text: '*', escaped: '*' }, rawQuery: '', forceQuery: false, omitHost: false };
  }
  if (raw.startsWith(':')) return new Failure('missing protocol scheme');
  const rawScheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(raw)?.[1] ?? '';
  const scheme = rawScheme.toLowerCase();
  const afterScheme = rawScheme === '' ? raw : raw.slice(rawScheme.length + 1);
  const [beforeQuery, rawQuery] = cut(afterScheme, '?');
  const common = { ...nothing, scheme, rawQuery, forceQuery: beforeQuery !== afterScheme && rawQuery === '' };

  if (!beforeQuery.startsWith('/')) {
    if (scheme !== '') return { ...common, opaque: beforeQuery, omitHost: false };
    if (viaRequest) return new Failure('invalid URI for request');
    if (cut(beforeQuery, '/')[0].includes(':')) {
      return new Failure('first path segment in URL cannot contain colon');
    }
  }
  const hasAuthority =
    beforeQuery.startsWith('//') && (scheme !== '' || (!viaRequest && !beforeQuery.startsWith('///')));
  if (!hasAuthority) {
    const path = parsePath(beforeQuery);
    return path instanceof Failure ? path : { ...common, path, omitHost: scheme !== '' };
  }
  const pathStart = beforeQuery.indexOf('/', 2);
  const authority = parseAuthority(scheme, pathStart < 0 ? beforeQuery.slice(2) : beforeQuery.slice(2, pathStart));
  if (authority instanceof Failure) return authority;
  const path = parsePath(pathStart < 0 ? '' : beforeQuery.slice(pathStart));
  return path instanceof Failure ? path : { ...common, ...authority, path, omitHost: false };
}

function parsePath(written: ByteString): EscapedText | Failure {
  const text = unescape(written, 'path');
  return text instanceof Failure ? text : { text, escaped: writtenOrEscaped(written, text, 'path') };
}

function parseAuthority(scheme: ByteString, authority: ByteString): Pick<GoUrl, 'host' | 'user'> | Failure {
  const at = authority.lastIndexOf('@');
  const host = parseHost(scheme, authority.slice(at + 1));
  if (host instanceof Failure) return host;
  if (at < 0) return { host, user: undefined };
  const userinfo = authority.slice(0, at);
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(userinfo)) return new Failure('net/url: invalid userinfo');
  const [rawName, rawPassword] = cut(userinfo, ':');
  const name = unescape(rawName, 'userPassword');
  if (name instanceof Failure) return name;
  if (!userinfo.includes(':')) return { host, user: { name } };
  const password = unescape(rawPassword, 'userPassword');
  return password instanceof Failure ? password : { host, user: { name, password } };
}

function parseHost(scheme: ByteString, host: ByteString): ByteString | Failure {
  const bracket = host.lastIndexOf('[');
  if (bracket > 0) return new Failure('invalid IP-literal');
  if (bracket === 0) return parseBracketedHost(host);
  const firstColon = host.indexOf(':');
  if (firstColon >= 0) {
    // Databases list several hosts with ports; only http and https are strict about the one colon.
    const strict = scheme === 'http' || scheme === 'https';
    const colonPort = host.slice(strict ? firstColon : host.lastIndexOf(':'));
    if (!isOptionalPort(colonPort)) return portFailure(colonPort);
  }
  return unescape(host, 'host');
}

/** `[fe80::1]`, `[fe80::1%25en0]`, `[::1]:80`: an IPv6 address, with a zone behind `%25` (RFC 6874). */
function parseBracketedHost(host: ByteString): ByteString | Failure {
  const close = host.lastIndexOf(']');
  if (close < 0) return new Failure("missing ']' in host");
  const colonPort = host.slice(close + 1);
  if (!isOptionalPort(colonPort)) return portFailure(colonPort);
  const inside = host.slice(1, close);
  const zoneStart = inside.indexOf('%25');
  const name = unescape(zoneStart < 0 ? inside : inside.slice(0, zoneStart), 'host');
  if (name instanceof Failure) return name;
  const zone = zoneStart < 0 ? '' : unescape(inside.slice(zoneStart), 'zone');
  if (zone instanceof Failure) return zone;
  const address = parseAddress(name + zone);
  if (address instanceof Failure) return new Failure(`invalid host: ${address.message}`);
  if (address.family === 4) return new Failure('invalid IP-literal');
  return `[${name}${zone}]${colonPort}`;
}

function splitHostPort(hostPort: ByteString): { readonly host: ByteString; readonly port: ByteString } {
  const colon = hostPort.lastIndexOf(':');
  const hasPort = colon >= 0 && isOptionalPort(hostPort.slice(colon));
  const host = hasPort ? hostPort.slice(0, colon) : hostPort;
  return {
    host: host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host,
    port: hasPort ? hostPort.slice(colon + 1) : '',
  };
}

function isOptionalPort(text: ByteString): boolean {
  return /^(?::[0-9]*)?$/.test(text);
}

function formatUser({ name, password }: NonNullable<GoUrl['user']>): ByteString {
  const escapedName = escape(name, 'userPassword');
  return password === undefined ? escapedName : `${escapedName}:${escape(password, 'userPassword')}`;
}

/** `written` where that is a valid way to write `text`, else `text` escaped. */
function writtenOrEscaped(written: ByteString, text: ByteString, part: 'path' | 'fragment'): ByteString {
  return VALID_AS_WRITTEN[part].test(written) ? written : escape(text, part);
}

function escape(text: ByteString, part: keyof typeof ESCAPED): ByteString {
  return text.replace(ESCAPED[part], (bytes) =>
    Buffer.from(bytes, 'latin1').toString('hex').toUpperCase().replace(/../g, '%$&'),
  );
}

function unescape(text: ByteString, part: UnescapedPart): ByteString | Failure {
  const isHost = part === 'host' || part === 'zone';
  for (const [token] of text.matchAll(isHost ? HOST_TOKEN : ESCAPE_TOKEN)) {
    if (!token.startsWith('%')) return new Failure(`invalid character ${quoteBytes(token)} in host name`);
    if (!isEscape(token, part)) return new Failure(`invalid URL escape ${quoteBytes(token)}`);
  }
  const spaced = part === 'queryComponent' ? text.replaceAll('+', ' ') : text;
  return spaced.replace(/%(..)/g, (_, digits: string) => byteOf(digits));
}

type UnescapedPart = keyof typeof ESCAPED | 'zone' | 'queryComponent';

/** Escapes, and what should be one. */
const ESCAPE_TOKEN = /%[^]{0,2}/g;
/** The same, and ASCII that no host may hold. */
const HOST_TOKEN = /%[^]{0,2}|[^\w\-.~!"$&'()*+,:;<=>[\]%\x80-\xff]/g;

function isEscape(token: ByteString, part: UnescapedPart): boolean {
  if (!/^%[0-9a-fA-F]{2}$/.test(token)) return false;
  const byte = byteOf(token.slice(1));
  // A host may escape only what is not ASCII (RFC 3986 section 3.2.2); a zone only what it may also hold, and blanks.
  if (part === 'host') return byte === '%' || byte >= '\x80';
  if (part === 'zone') return byte === '%' || byte === ' ' || byte.search(ESCAPED.host) < 0;
  return true;
}

function byteOf(hexDigits: string): ByteString {
  return String.fromCharCode(Number.parseInt(hexDigits, 16));
}

function cut(text: ByteString, separator: string): readonly [before: ByteString, after: ByteString] {
  const index = text.indexOf(separator);
  return index < 0 ? [text, ''] : [text.slice(0, index), text.slice(index + separator.length)];
}

function portFailure(colonPort: ByteString): Failure {
  return new Failure(`invalid port ${quoteBytes(colonPort)} after host`);
}

function urlFailure(raw: ByteString, { message }: Failure): Failure {
  return new Failure(`parse ${quoteBytes(raw)}: ${message}`);
}
