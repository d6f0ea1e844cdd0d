/**
 * What Go would say about a failed exchange that Node has put in its own words. What has no counterpart here is said in
 * Node's words.
 *
 * Source: Go 1.26 net, crypto/tls, crypto/x509 and net/http.
 */
export function goTransportError(error: unknown, url: URL): string {
  const code = codeOf(error);
  const address = `${url.hostname}:${url.port === '' ? '443' : url.port}`;
  switch (code) {
    case 'ECONNREFUSED':
      return `dial tcp ${address}: connect: connection refused`;
    case 'EHOSTUNREACH':
      return `dial tcp ${address}: connect: no route to host`;
    case 'ENETUNREACH':
      return `dial tcp ${address}: connect: network is unreachable`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `dial tcp: lookup ${url.hostname}: no such host`;
    case 'ECONNRESET':
    case 'UND_ERR_SOCKET':
      return 'EOF';
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'http: server gave HTTP response to HTTPS client';
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return unverified('certificate signed by unknown authority');
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return unverified(wrongName(error, url.hostname));
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return unverified('certificate has expired or is not yet valid');
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

function unverified(reason: string): string {
  return `tls: failed to verify certificate: x509: ${reason}`;
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return codeOf(error.cause);
}

/** Source: Go 1.26 crypto/x509/verify.go, HostnameError.Error. */
function wrongName(error: unknown, host: string): string {
  const isAddress = /^[0-9.]+$/.test(host) || host.startsWith('[');
  const names = subjectAltNames(error);
  const valid = names.filter(({ kind }) => kind === (isAddress ? 'IP Address' : 'DNS')).map(({ value }) => value);
  if (isAddress && valid.length === 0)
    return `cannot validate certificate for ${host} because it doesn't contain any IP SANs`;
  if (valid.length === 0) return `certificate is not valid for any names, but wanted to match ${host}`;
  return `certificate is valid for ${valid.join(', ')}, not ${host}`;
}

function subjectAltNames(error: unknown): { readonly kind: string; readonly value: string }[] {
  const cert: unknown = typeof error === 'object' && error !== null && 'cert' in error ? error.cert : undefined;
  const text: unknown =
    typeof cert === 'object' && cert !== null && 'subjectaltname' in cert ? cert.subjectaltname : undefined;
  if (typeof text !== 'string') return [];
  return text.split(', ').map((name) => {
    const colon = name.indexOf(':');
    return { kind: name.slice(0, colon), value: name.slice(colon + 1) };
  });
}
