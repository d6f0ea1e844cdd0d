import { webcrypto, X509Certificate } from 'node:crypto';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { KeyPair } from '../src/certs/index.ts';

/** A certificate for clients, as an API server's `WebhookAdmission` kubeconfig names one. */
export async function clientCertificate(issuer: KeyPair, name: string): Promise<{ cert: string; key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const importKey = async (pem: string): Promise<webcrypto.CryptoKey> =>
    webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(pem), algorithm, false, ['sign']);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [name] }],
    issuer: new x509.X509Certificate(issuer.certificatePem).subjectName,
    notBefore: new X509Certificate(issuer.certificatePem).validFromDate,
    notAfter: new X509Certificate(issuer.certificatePem).validToDate,
    publicKey: keys.publicKey,
    signingKey: await importKey(issuer.privateKeyPem),
    signingAlgorithm: algorithm,
    extensions: [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])],
  });
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  return { cert: certificate.toString('pem'), key };
}
