import { readFile } from 'node:fs/promises';
import type { AdmissionServer } from '../server/index.ts';
import type { Clock, Logger } from '../telemetry/index.ts';
import { InvalidConfigurationError } from './errors.ts';
import { RereadFiles } from './reread-files.ts';

export interface ClientAuthoritiesOptions {
  readonly file: string;
  /** What names the file in the configuration: `clientCertificates.caFile`. */
  readonly setting: string;
  /** Who takes them when they have changed; undefined before it is there. */
  readonly server: () => Pick<AdmissionServer, 'setClientAuthority'> | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The authorities that sign client certificates, PEM, from a file.
 * Rejects with {@link InvalidConfigurationError} when it cannot be read.
 */
export function openClientAuthorities(options: ClientAuthoritiesOptions): Promise<RereadFiles<string>> {
  const { file, setting, server, clock, log } = options;
  return RereadFiles.open({
    read: () =>
      readFile(file, 'utf8').catch((cause: unknown) => {
        throw new InvalidConfigurationError(`${setting}: ${file} cannot be read`, { cause });
      }),
    onRead: (ca) => server()?.setClientAuthority(ca),
    what: 'authorities of client certificates',
    clock,
    log,
  });
}
