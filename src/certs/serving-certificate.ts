import { createPrivateKey } from 'node:crypto';
import { parseCertificates } from './certificate-pem.ts';
import type { ServingCertificate } from './certificate-source.ts';
import { CertificatePairError } from './errors.ts';

/**
 * Takes a certificate chain (leaf first) and its private key, both PEM, after checking that they belong together.
 * Neither the time nor the issuer is checked. `origin` names the place for the error's message.
 *
 * Throws {@link CertificatePairError} when one does not parse or the key is not the leaf's.
 */
export function parseServingCertificate(
  certificatePem: string,
  privateKeyPem: string,
  origin: string,
): ServingCertificate {
  const leaf = attempt(origin, 'the certificate does not parse', () => parseCertificates(certificatePem))[0];
  if (leaf === undefined) throw new CertificatePairError(origin, 'the certificate has no "BEGIN CERTIFICATE" block');
  const privateKey = attempt(origin, 'the private key does not parse, or is encrypted', () =>
    createPrivateKey(privateKeyPem),
  );
  if (!leaf.checkPrivateKey(privateKey)) {
    throw new CertificatePairError(origin, `the private key is not that of the certificate ${leaf.fingerprint256}`);
  }
  const visible = {
    certificatePem,
    notBefore: leaf.validFromDate,
    notAfter: leaf.validToDate,
    fingerprint: leaf.fingerprint256,
  };
  const privateKeyPemProperty = { value: privateKeyPem, enumerable: false };
  return Object.freeze(
    Object.defineProperty(visible, 'privateKeyPem', privateKeyPemProperty) as typeof visible & {
      readonly privateKeyPem: string;
    },
  );
}

function attempt<T>(origin: string, problem: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new CertificatePairError(origin, problem, { cause });
  }
}
