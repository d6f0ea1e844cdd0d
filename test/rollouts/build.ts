import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const repository = resolve(import.meta.dirname, '../..');

/** A change of one line of the sources. */
export interface Edit {
  /** Below src. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly find: string;
  readonly replace: string;
}

const options = 'certs/secret-authority-options.ts';

/** Days become seconds, so that a rotation can be watched: a leaf lives 12 s, and API servers hear of a bundle within 2 s. */
export const shortLives: readonly Edit[] = [
  { file: options, find: '?? 7 * dayMilliseconds', replace: '?? 12_000' },
  { file: options, find: 'leafLifetimeMilliseconds + clockSkewMilliseconds,', replace: 'leafLifetimeMilliseconds,' },
  { file: options, find: 'propagationMilliseconds: minuteMilliseconds', replace: 'propagationMilliseconds: 2_000' },
  { file: options, find: 'checkIntervalMilliseconds: minuteMilliseconds', replace: 'checkIntervalMilliseconds: 1_000' },
];

/** What others do, and what their users complain of. */
export const breakages = {
  "Node's own keep-alive": {
    file: 'server/listener.ts',
    find: 'keepAliveTimeout: limits.idleTimeoutMilliseconds',
    replace: 'keepAliveTimeout: 5_000',
  },
  'no drain': {
    file: 'server/admission-server.ts',
    find: 'await this.#pause(shutdown.quietPeriodMilliseconds, hurry);',
    replace: '',
  },
  'a CA swapped in one step': {
    file: 'certs/authority-operations.ts',
    find: "{ ...found.state, next: parseAuthority(pair, 'next') }",
    replace: "{ signing: parseAuthority(pair, 'signing'), dropped: [found.state.signing.certificate.fingerprint256] }",
  },
} as const satisfies Readonly<Record<string, Edit>>;

/** The Secret is looked at once a minute, which is about as late as a mounted one arrives. */
export const unwatchedSecret: Edit = {
  file: 'certs/kube-secret-store.ts',
  find: 'void watchSecret(options, onChange, stopping.signal);',
  replace: 'void [watchSecret, onChange];',
};

/**
 * A copy of the sources with these changes, below .cache where Node still takes TypeScript and finds the packages.
 * Whoever makes it removes it with {@link removeBuild}.
 */
export function makeBuild(edits: readonly Edit[]): string {
  const cache = join(repository, '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'build-'));
  copyFileSync(join(repository, 'package.json'), join(folder, 'package.json'));
  cpSync(join(repository, 'src'), join(folder, 'src'), { recursive: true });
  for (const { file, find, replace } of edits) {
    const path = join(folder, 'src', file);
    const source = readFileSync(path, 'utf8');
    if (source.split(find).length !== 2) throw new Error(`src/${file} does not hold exactly once: ${find}`);
    writeFileSync(
      path,
      source.replace(find, () => replace),
    );
  }
  return folder;
}

export function removeBuild(folder: string): void {
  rmSync(folder, { recursive: true });
}
