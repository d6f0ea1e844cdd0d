import { posix } from 'node:path';
import type { WebhookClientConfig } from '../../api/webhook-configuration.ts';
import { decodeUtf8, encodeUtf8 } from '../../cel/library/byte-string.ts';
import { Failure } from '../../cel/library/failure.ts';
import { parseURL } from '../../cel/library/go-url.ts';

/** A URL as Go reads it, its parts decoded; user, fragment and query are as they were written. */
export interface ParsedUrl {
  readonly scheme: string;
  readonly host: string;
  readonly user: string | undefined;
  readonly path: string;
  readonly fragment: string;
  readonly query: string;
}

/** Source: Go 1.26 src/net/url/url.go, Parse; `problem` is its error. */
export function parseUrl(text: string): ParsedUrl | { readonly problem: string } {
  const url = parseURL(encodeUtf8(text));
  if (url instanceof Failure) return { problem: decodeUtf8(url.message) };
  const { user } = url;
  const password = user?.password === undefined ? '' : `:${user.password}`;
  return {
    scheme: url.scheme,
    host: decodeUtf8(url.host),
    user: user === undefined ? undefined : decodeUtf8(`${user.name}${password}`),
    path: decodeUtf8(url.path.text),
    fragment: decodeUtf8(url.fragment.text),
    query: decodeUtf8(url.rawQuery),
  };
}

/**
 * Where a webhook is called, without `?timeout=`: the host as written, the path cleaned (`//`, `.` and `..` collapsed,
 * trailing slash dropped, escapes decoded and made anew), a query dropped. Undefined when `clientConfig` names no place.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/util/webhook/client.go, hookClientConfig; client-go v0.37.2 rest/request.go, URL.
 */
export function webhookUrl({ url, service }: WebhookClientConfig): string | undefined {
  if (service !== undefined) {
    const { name, namespace, path = '', port = 443 } = service;
    return `https://${name}.${namespace}.svc:${port}${escapePath(cleanPath(path))}`;
  }
  const parsed = parseUrl(url ?? '');
  if ('problem' in parsed || parsed.host === '') return undefined;
  return `${parsed.scheme}://${parsed.host}${escapePath(cleanPath(parsed.path))}`;
}

/** A duration of whole seconds as Go prints it: `10s`, `1m0s`. Source: Go 1.26 src/time/time.go, Duration.String. */
export function goSeconds(seconds: number): string {
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  if (minutes === 0) return `${rest}s`;
  return minutes < 60 ? `${minutes}m${rest}s` : `${Math.floor(minutes / 60)}h${minutes % 60}m${rest}s`;
}

/** Source: Go 1.26 src/path/path.go, Join with "/". */
function cleanPath(path: string): string {
  const joined = posix.join('/', path);
  return joined.length > 1 && joined.endsWith('/') ? joined.slice(0, -1) : joined;
}

/** Source: Go 1.26 src/net/url/url.go, escape in mode encodePath. */
function escapePath(path: string): string {
  return Array.from(Buffer.from(path), (byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9\-_.~$&+,/:;=@]/.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
}
