import type { WebhookRegistry } from '../admission/index.ts';
import type { CertificateSource } from '../certs/index.ts';
import type { KubeClient } from '../kube/index.ts';
import { Registrar } from '../registrar/index.ts';
import type { Clock, Logger } from '../telemetry/index.ts';
import { certificateSource, injectCaFrom, type CertificateOptions } from './certificates.ts';
import type { GateConfiguration } from './gate-configuration.ts';
import { registrationOptions } from './registration-options.ts';

export interface RegistrationPartsOptions {
  readonly configuration: GateConfiguration;
  readonly client: KubeClient;
  /** Of the gate, where its Secrets are. */
  readonly namespace: string;
  readonly registry: WebhookRegistry;
  readonly role: CertificateOptions['role'];
  /** Registers webhooks that could lock the cluster out, whatever the configuration says. Default: false. */
  readonly force?: boolean;
  /** PEM to be registered instead of what the certificates have. */
  readonly caBundle?: string | undefined;
  readonly log: Logger;
  readonly clock: Clock;
}

/**
 * Who registers the webhooks, and the certificates that it registers them with, each made with the other at hand: the bundle is
 * asked for before it is published, and the authority rotates by what was published. Neither is started.
 *
 * Throws {@link InvalidRegistrationError} and {@link UnsafeRegistrationError}.
 */
export function registrationParts(options: RegistrationPartsOptions): {
  readonly registrar: Registrar;
  readonly certificates: CertificateSource;
} {
  const { configuration, client, namespace, registry, role, force = false, caBundle, log, clock } = options;
  const registration = registrationOptions(configuration);
  const registrar = new Registrar({
    ...registration,
    client,
    registry,
    force: registration.force || force,
    caBundle: async (signal) => caBundle ?? (await certificates.confirmCaBundle(signal)),
    injectCaFrom: caBundle === undefined ? injectCaFrom(configuration, namespace) : undefined,
    log,
    clock,
  });
  const certificates: CertificateSource = certificateSource({
    configuration,
    client,
    namespace,
    publication: registrar,
    role,
    log,
    clock,
  });
  return { registrar, certificates };
}
