import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HubCredentials } from '../quota/index.ts';
import type { Clock, Logger } from '../telemetry/index.ts';
import { InvalidConfigurationError } from './errors.ts';

/** A mounted Secret is changed some time after it was rotated, and long before its old certificate ends. */
const rereadMilliseconds = 60_000;

/** What a member shows its hub, from the files tls.crt, tls.key and ca.crt of a folder, read again every minute. */
export class HubCredentialFiles {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  #current: HubCredentials;
  #cancel: () => void = () => undefined;

  private constructor(folder: string, current: HubCredentials, clock: Clock, log: Logger) {
    this.#folder = folder;
    this.#current = current;
    this.#clock = clock;
    this.#log = log;
  }

  /** Throws {@link InvalidConfigurationError} naming the file that cannot be read. */
  static async open(folder: string, clock: Clock, log: Logger): Promise<HubCredentialFiles> {
    const files = new HubCredentialFiles(folder, await read(folder), clock, log);
    files.#schedule();
    return files;
  }

  get current(): HubCredentials {
    return this.#current;
  }

  close(): void {
    this.#cancel();
  }

  #schedule(): void {
    this.#cancel = this.#clock.after(rereadMilliseconds, () => {
      void read(this.#folder).then(
        (credentials) => {
          this.#current = credentials;
        },
        (error: unknown) => this.#log.warn('credentials for the hub are used on', { error: error as Error }),
      );
      this.#schedule();
    });
  }
}

async function read(folder: string): Promise<HubCredentials> {
  const [certificatePem = '', privateKeyPem = '', ca = ''] = await Promise.all(
    ['tls.crt', 'tls.key', 'ca.crt'].map((name) =>
      readFile(join(folder, name), 'utf8').catch((cause: unknown) => {
        throw new InvalidConfigurationError(`quota.store.credentials: ${join(folder, name)} cannot be read`, { cause });
      }),
    ),
  );
  return { ca, certificatePem, privateKeyPem };
}
