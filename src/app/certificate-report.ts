import {
  FileSource,
  kubeSecretStore,
  parseServingCertificate,
  readAuthorityStatus,
  trustedCertificates,
  verifyAgainstPublished,
  type PublishedBundle,
  type ServingCertificate,
} from '../certs/index.ts';
import type { KubeClient } from '../kube/index.ts';
import { readPublishedBundles } from '../registrar/index.ts';
import { silentLogger, type Clock } from '../telemetry/index.ts';
import type { GateConfiguration } from './gate-configuration.ts';

/** What an operator wants to know of the certificates of a gate. Holds no keys. */
export interface CertificateReport {
  readonly mode: GateConfiguration['certificates']['mode'];
  /** `Secret namespace/name`, or the folder. */
  readonly origin: string;
  /** How far a rotation of the authority has come; see certs' `AuthorityStatus`. Of mode SelfManaged only. */
  readonly phase?: 'steady' | 'publishing' | 'retiring' | undefined;
  /** Empty: there is no Secret, or nothing in it, yet. */
  readonly certificates: readonly ReportedCertificate[];
  readonly configurations: readonly ReportedConfiguration[];
}

export interface ReportedCertificate {
  /** `signing`, `next` and `retired` are authorities; `serving` is what clients see, where this is not each replica's own. */
  readonly role: 'signing' | 'next' | 'retired' | 'serving';
  readonly fingerprint: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** When the replicas begin to replace it; absent where somebody else does. */
  readonly renewAt?: Date | undefined;
}

/** One webhook as the API server has it. */
export interface ReportedConfiguration {
  /** `ValidatingWebhookConfiguration/sallyport, team.example.com`. */
  readonly webhook: string;
  /** Whether the API server accepts what the gate serves. */
  readonly accepts: boolean;
  /** Why it does not. */
  readonly reason?: string | undefined;
}

export interface CertificateReportOptions {
  readonly configuration: GateConfiguration;
  readonly client: KubeClient;
  /** Namespace of the Secret. */
  readonly namespace: string;
  readonly clock: Clock;
}

/**
 * Reads what the cluster has now, and nothing of the running replicas.
 * Throws {@link ForeignSecretError}, {@link AuthoritySecretError} and {@link CertificatePairError} for what cannot be used.
 */
export async function reportCertificates(options: CertificateReportOptions): Promise<CertificateReport> {
  const { configuration, client, namespace, clock } = options;
  const { certificates, registration } = configuration;
  const published = await readPublishedBundles(client, registration.name, () => true);
  if (certificates.mode === 'SelfManaged') {
    const store = kubeSecretStore({ client, namespace, name: certificates.secretName, clock });
    const origin = `Secret ${namespace}/${certificates.secretName}`;
    const status = await readAuthorityStatus(store);
    if (status === undefined) return { mode: certificates.mode, origin, certificates: [], configurations: [] };
    const { phase, signing, next, retired } = status;
    return {
      mode: certificates.mode,
      origin,
      phase,
      certificates: [
        { role: 'signing', ...signing },
        ...(next === undefined ? [] : [{ role: 'next' as const, ...next }]),
        ...retired.map(({ renewAt: _renewAt, ...one }) => ({ role: 'retired' as const, ...one })),
      ],
      configurations: published.map(({ holder, caBundlePem }) => {
        const accepts = trustedCertificates(caBundlePem).some(
          ({ fingerprint256 }) => fingerprint256 === signing.fingerprint,
        );
        return { webhook: holder, accepts, ...(!accepts && { reason: 'its caBundle lacks the signing authority' }) };
      }),
    };
  }
  const origin =
    certificates.mode === 'Files' ? certificates.directory : `Secret ${namespace}/${certificates.secretName}`;
  const serving =
    certificates.mode === 'Files'
      ? await readFiles(certificates.directory, clock)
      : await readSecret(options, certificates.secretName, origin);
  if (serving === undefined) return { mode: certificates.mode, origin, certificates: [], configurations: [] };
  const { fingerprint, notBefore, notAfter } = serving;
  return {
    mode: certificates.mode,
    origin,
    certificates: [{ role: 'serving', fingerprint, notBefore, notAfter }],
    configurations: published.map((bundle) => judge(serving, bundle, clock)),
  };
}

function judge(serving: ServingCertificate, bundle: PublishedBundle, clock: Clock): ReportedConfiguration {
  const verdict = verifyAgainstPublished(serving, [bundle], clock.now());
  if (verdict.kind === 'verified') return { webhook: bundle.holder, accepts: true };
  return { webhook: bundle.holder, accepts: false, reason: verdict.reason.replace(`${bundle.holder}: `, '') };
}

async function readFiles(directory: string, clock: Clock): Promise<ServingCertificate | undefined> {
  const source = new FileSource({ directory, logger: silentLogger, clock });
  await source.start();
  await source.stop();
  return source.get();
}

async function readSecret(
  { client, namespace, clock }: CertificateReportOptions,
  name: string,
  origin: string,
): Promise<ServingCertificate | undefined> {
  const secret = await kubeSecretStore({ client, namespace, name, clock }).get();
  const { 'tls.crt': certificate, 'tls.key': key } = secret?.data ?? {};
  if (certificate === undefined || key === undefined) return undefined;
  const decode = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');
  return parseServingCertificate(decode(certificate), decode(key), origin);
}
