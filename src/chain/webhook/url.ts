import { posix } from 'node:path';
import type { WebhookClientConfig } from '../../api/webhook-configuration.ts';

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
  // The stored text has passed validation: https, a host, no user, no query.
  const [, host, path = ''] = /^https:\/\/([^/?#]+)([^?#]*)/i.exec(url ?? '') ?? [];
  return host === undefined ? undefined : `https://${host}${escapePath(cleanPath(decodePath(path)))}`;
}

/** A duration of whole seconds as Go prints it: `10s`, `1m0s`. Source: Go 1.26 src/time/time.go, Duration.String. */
export function goSeconds(seconds: number): string {
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  if (minutes === 0) return `${rest}s`;
  return minutes < 60 ? `${minutes}m${rest}s` : `${Math.floor(minutes / 60)}h${minutes % 60}m${rest}s`;
}

function cleanPath(path: string): string {
  const joined = posix.join('/', path);
  return joined.length > 1 && joined.endsWith('/') ? joined.slice(0, -1) : joined;
}

function decodePath(path: string): string {
  // Escapes of single bytes, which only together make a character.
  const bytes = path.replace(/%([0-9A-Fa-f]{2})|([^%]+)/g, (part, hex: string | undefined) =>
    hex === undefined ? Buffer.from(part).toString('latin1') : String.fromCharCode(parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString();
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
