import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseServingCertificate, trustedCertificates } from '../certs/index.ts';
import type { HubCredentials } from '../quota/index.ts';
import type { Clock, Logger } from '../telemetry/index.ts';
import { InvalidConfigurationError } from './errors.ts';
import { RereadFiles } from './reread-files.ts';

/**
 * What a member shows its hub, from the files tls.crt, tls.key and ca.crt of a folder.
 * Rejects with {@link InvalidConfigurationError} naming the file that cannot be read, or when the files do not fit together, as
 * between the writing of the certificate and of its key.
 */
export function openHubCredentials(folder: string, clock: Clock, log: Logger): Promise<RereadFiles<HubCredentials>> {
  return RereadFiles.open({ read: () => read(folder), what: 'credentials for the hub', clock, log });
}

async function read(folder: string): Promise<HubCredentials> {
  const [certificatePem = '', privateKeyPem = '', ca = ''] = await Promise.all(
    ['tls.crt', 'tls.key', 'ca.crt'].map((name) =>
      readFile(join(folder, name), 'utf8').catch((cause: unknown) => {
        throw new InvalidConfigurationError(`quota.store.credentials: ${join(folder, name)} cannot be read`, { cause });
      }),
    ),
  );
  try {
    parseServingCertificate(certificatePem, privateKeyPem, folder);
    if (trustedCertificates(ca).length === 0) throw new Error(`${join(folder, 'ca.crt')} holds no certificate in PEM`);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidConfigurationError(`quota.store.credentials: ${problem}`, { cause });
  }
  return { ca, certificatePem, privateKeyPem };
}
