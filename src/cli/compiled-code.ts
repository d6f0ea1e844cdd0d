import { lstatSync, mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Keeps what Node compiles of us, and of users' files, for the next start, in a folder of the system's temporary one.
 *
 * Whoever writes there runs code in our process: it is used when nobody but us can, and otherwise, or where nothing can be
 * written, nothing is kept. `NODE_COMPILE_CACHE` and `NODE_DISABLE_COMPILE_CACHE` come first, as Node has it.
 */
export function keepCompiledCode(): void {
  const uid = process.getuid?.();
  const folder = join(tmpdir(), `sallyport-code-${uid}`);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch {
    // There already, or not to be had: the next lines tell.
  }
  try {
    const found = lstatSync(folder);
    if (found.isDirectory() && found.uid === uid && (found.mode & 0o022) === 0) enableCompileCache(folder);
  } catch {
    // Not to be had, such as in a TMPDIR that is somebody else's.
  }
}
