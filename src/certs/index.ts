export type { CertificateSource, Health, ServingCertificate } from './certificate-source.ts';
export { SelfSignedSource, type SelfSignedSourceOptions } from './self-signed-source.ts';
export { FileSource, type FileSourceOptions } from './file-source.ts';
export { CertManagerSource, type CertManagerSourceOptions } from './cert-manager-source.ts';
export { SecretAuthority } from './secret-authority.ts';
export type { CertificateIssuer, SecretAuthorityOptions } from './secret-authority-options.ts';
export {
  readAuthorityStatus,
  rotateAuthority,
  type AuthorityCertificateStatus,
  type AuthorityStatus,
  type RotateAuthorityOptions,
  type RotateAuthorityResult,
} from './authority-operations.ts';
export {
  isPublished,
  verifyAgainstPublished,
  type BundlePublication,
  type PublishedBundle,
} from './bundle-publication.ts';
export { CertificateReadiness, type CertificateReadinessOptions } from './certificate-readiness.ts';
export { kubeSecretStore, type KubeSecretStoreOptions } from './kube-secret-store.ts';
export type { SecretStore, StoredSecret } from './secret-store.ts';
export { ownershipLabel } from './authority-state.ts';
export { caBundleIncludes, trustedCertificates } from './ca-bundle.ts';
export { parseServingCertificate } from './serving-certificate.ts';
export { verifyChain, type ChainExpectation, type ChainVerdict } from './verify-chain.ts';
export {
  clockSkewMilliseconds,
  issueAuthority,
  issueServingCertificate,
  renewalTime,
  serviceHosts,
  type KeyPair,
  type Lifetime,
  type ServingRequest,
} from './x509.ts';
export {
  AuthoritySecretError,
  CertificatePairError,
  ForeignSecretError,
  InvalidCertificateOptionsError,
} from './errors.ts';
