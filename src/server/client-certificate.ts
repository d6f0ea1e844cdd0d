import type { TLSSocket } from 'node:tls';
import type { ClientCertificateOptions } from './server-options.ts';

/** Why a client may not call webhooks: 401 when nobody vouches for it, 403 when it is somebody else. */
export interface ClientProblem {
  readonly code: 401 | 403;
  readonly reason: 'Unauthorized' | 'Forbidden';
  readonly message: string;
}

/**
 * What is wrong with the certificate that a client showed; undefined when it may call.
 *
 * The handshake itself lets everybody in, because probes have no certificate: the kubelet's, and that of the process which
 * registers, and may learn which webhooks are served, not ask them. An answer also says why, which a broken handshake does not. That the authority signed it for
 * use by a client was checked by OpenSSL. The name is the common name, as the API server compares its own proxy's.
 * Source: apiserver v0.37.2 `pkg/authentication/request/x509/x509.go` Verifier.verifySubject.
 */
export function judgeClientCertificate(
  socket: TLSSocket,
  options: ClientCertificateOptions,
): ClientProblem | undefined {
  if (!socket.authorized) {
    return { code: 401, reason: 'Unauthorized', message: 'a client certificate of the configured authority is needed' };
  }
  const { allowedNames } = options;
  if (allowedNames === undefined || allowedNames.length === 0) return undefined;
  const name: unknown = socket.getPeerCertificate().subject?.CN;
  return typeof name === 'string' && allowedNames.includes(name)
    ? undefined
    : { code: 403, reason: 'Forbidden', message: 'the name in the client certificate is not one of those allowed' };
}
