import {
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
  /** Where the Secret of a self-managed authority lies. */
  readonly client: KubeClient;
  /** Namespace of that Secret. */
  readonly namespace: string;
  readonly publication: BundlePublication;
  readonly log: Logger;
  readonly clock: Clock;
}

/** The certificate source that the GateConfiguration asks for; not started. */
export function certificateSource(options: CertificateOptions): CertificateSource {
  const { configuration, client, namespace, publication, log, clock } = options;
  const { certificates, registration } = configuration;
  if (certificates.mode === 'Files') return new FileSource({ directory: certificates.directory, logger: log, clock });
  const { service, url } = registration;
  return new SecretAuthority({
    store: kubeSecretStore({ client, namespace, name: certificates.secretName, clock }),
    publication,
    hosts: [
      ...(service === undefined ? [] : serviceHosts(service)),
      ...(url === undefined ? [] : [new URL(url).hostname.replace(/^\[(.*)\]$/, '$1')]),
    ],
    logger: log,
    clock,
  });
}
