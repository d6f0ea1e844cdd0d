import {
  CertManagerSource,
  FileSource,
  kubeSecretStore,
  SecretAuthority,
  serviceHosts,
  type BundlePublication,
  type CertificateSource,
} from '../certs/index.ts';
import type { KubeClient } from '../kube/index.ts';
import type { Clock, Logger } from '../telemetry/index.ts';
import type { GateConfiguration } from './gate-configuration.ts';

export interface CertificateOptions {
  readonly configuration: GateConfiguration;
  /** Of the cluster whose Secret holds the authority, or what cert-manager issued. */
  readonly client: KubeClient;
  /** Namespace of that Secret. */
  readonly namespace: string;
  readonly publication: BundlePublication;
  /** Whether this process makes and rotates an authority of ours, or only signs with it. */
  readonly role: 'keeper' | 'follower';
  readonly log: Logger;
  readonly clock: Clock;
}

/** The certificate source that the GateConfiguration asks for; not started. */
export function certificateSource(options: CertificateOptions): CertificateSource {
  const { configuration, client, namespace, publication, role, log, clock } = options;
  const { certificates, registration } = configuration;
  if (certificates.mode === 'Files') return new FileSource({ directory: certificates.directory, logger: log, clock });
  const store = kubeSecretStore({ client, namespace, name: certificates.secretName, clock });
  if (certificates.mode === 'CertManager') return new CertManagerSource({ store, publication, logger: log, clock });
  const { service, url } = registration;
  return new SecretAuthority({
    store,
    publication,
    role,
    hosts: [
      ...(service === undefined ? [] : serviceHosts(service)),
      ...(url === undefined ? [] : [new URL(url).hostname.replace(/^\[(.*)\]$/, '$1')]),
    ],
    logger: log,
    clock,
  });
}

/** Whose CA cert-manager is to inject into the webhook configurations; undefined when the bundle is written by us. */
export function injectCaFrom({ certificates }: GateConfiguration, namespace: string): string | undefined {
  return certificates.mode === 'CertManager' ? `${namespace}/${certificates.certificateName}` : undefined;
}
