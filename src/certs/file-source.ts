import { watch } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock, type Clock, type Logger } from '../telemetry/index.ts';
import { CertificatePairError } from './errors.ts';
import { ReconciledSource } from './reconciled-source.ts';
import { parseServingCertificate } from './serving-certificate.ts';
import { verifyChain } from './verify-chain.ts';

export interface FileSourceOptions {
  /** Holds `tls.crt`, `tls.key` and, where the issuer is not publicly trusted, `ca.crt`. */
  readonly directory: string;
  readonly logger: Logger;
  /** Time between two looks when the watch says nothing. Default: 10 000, as controller-runtime's certwatcher. */
  readonly pollIntervalMilliseconds?: number;
  /** Default: the system's clock. */
  readonly clock?: Clock;
}

const fileNames = ['tls.crt', 'tls.key', 'ca.crt'] as const;
/** The files, and the link that the kubelet swaps when it writes all of them anew. */
const watchedNames: ReadonlySet<string> = new Set([...fileNames, '..data']);

/**
 * Serves a certificate from a directory, such as a mounted Secret.
 *
 * The directory is watched, not the files: the kubelet swaps the symbolic link `..data`, and a watch of a file stays with
 * the old inode. Polling is the floor under the watch. A new pair is taken only when it is whole: the key matches, it is
 * within its time, for servers, and issued by `ca.crt` if there is one. Otherwise the last good pair is kept and
 * `healthy()` says why. `start()` rejects with {@link CertificatePairError} when there is no good pair to begin with.
 *
 * To replace a CA without a gap, put the old and the new one into `ca.crt` first.
 */
export class FileSource extends ReconciledSource {
  readonly #directory: string;
  readonly #clock: Clock;
  #caBundle: string | undefined;

  constructor({ directory, logger, pollIntervalMilliseconds = 10_000, clock = systemClock }: FileSourceOptions) {
    super({ origin: directory, clock, logger, intervalMilliseconds: pollIntervalMilliseconds });
    this.#directory = directory;
    this.#clock = clock;
  }

  override caBundle(): string | undefined {
    return this.#caBundle;
  }

  override async confirmCaBundle(signal?: AbortSignal): Promise<string | undefined> {
    await this.look(signal);
    return this.#caBundle;
  }

  protected override async reconcile(): Promise<void> {
    const { certificatePem, privateKeyPem, caBundlePem } = await this.#read();
    if (certificatePem === undefined) throw new CertificatePairError(this.#directory, 'tls.crt is missing');
    if (privateKeyPem === undefined) throw new CertificatePairError(this.#directory, 'tls.key is missing');
    const candidate = parseServingCertificate(certificatePem, privateKeyPem, this.#directory);
    const served = this.get();
    const isSamePair = served?.certificatePem === certificatePem && served.privateKeyPem === privateKeyPem;
    // Without the bundle the API server would no longer accept the very pair that it accepted a moment ago.
    if (isSamePair && this.#caBundle !== undefined && caBundlePem === undefined) {
      throw new CertificatePairError(this.#directory, 'ca.crt is gone while tls.crt is unchanged');
    }
    // Without ca.crt it is its own anchor: only the time and the purpose are judged.
    const anchors = caBundlePem ?? certificatePem;
    const verdict = verifyChain(certificatePem, { caBundlePem: anchors, now: this.#clock.now() });
    if (verdict.kind === 'unverified') throw new CertificatePairError(this.#directory, verdict.reason);
    const isSameBundle = this.#caBundle === caBundlePem;
    this.#caBundle = caBundlePem;
    if (!isSamePair) this.serve(candidate);
    else if (!isSameBundle) this.notify();
  }

  /** Files that are missing at the start are a mistake: a volume is mounted before its container starts. */
  protected override isHopeless(): boolean {
    return true;
  }

  protected override watch(look: () => void): (() => void)[] {
    try {
      const watcher = watch(this.#directory, { persistent: false }, (_event, name) => {
        // Others may write beside them, such as a log.
        if (name === null || watchedNames.has(name)) look();
      });
      // The poll goes on; it also reports what is wrong with the directory.
      watcher.on('error', () => watcher.close());
      return [() => watcher.close()];
    } catch {
      return [];
    }
  }

  /** The three files of one version; `undefined` for one that is missing. */
  async #read(): Promise<{ [file in 'certificatePem' | 'privateKeyPem' | 'caBundlePem']: string | undefined }> {
    for (;;) {
      const folder = await this.#currentFolder();
      const [certificatePem, privateKeyPem, caBundlePem] = await Promise.all(
        fileNames.map((file) => this.#readFile(join(folder, file))),
      );
      // The kubelet removes the old folder after it swapped the link: what went missing meanwhile proves nothing.
      if (folder === (await this.#currentFolder())) return { certificatePem, privateKeyPem, caBundlePem };
    }
  }

  /** Where `..data` leads to, or the directory itself where nobody mounts anything. */
  async #currentFolder(): Promise<string> {
    return realpath(join(this.#directory, '..data')).catch(() => this.#directory);
  }

  async #readFile(path: string): Promise<string | undefined> {
    try {
      return await readFile(path, 'utf8');
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      if (code === 'ENOENT') return undefined;
      throw new CertificatePairError(this.#directory, `a file cannot be read: ${message}`, { cause });
    }
  }
}
