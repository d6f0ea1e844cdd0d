import { lstatSync, mkdirSync, statSync, type Stats } from 'node:fs';
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
    const isOurs = found.isDirectory() && found.uid === uid && !isForOthers(found);
    if (isOurs && !isOpenToExchange(statSync(tmpdir()))) enableCompileCache(folder);
  } catch {
    // Not to be had, such as in a TMPDIR that is somebody else's.
  }
}

/** Whether others may write to it. */
function isForOthers({ mode }: Stats): boolean {
  return (mode & 0o022) !== 0;
}

/** Whether others may put something of theirs in the place of what is ours in it: not where the sticky bit is set. */
function isOpenToExchange(folder: Stats): boolean {
  return isForOthers(folder) && (folder.mode & 0o1000) === 0;
}
