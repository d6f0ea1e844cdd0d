import { watch, type FSWatcher } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

/** Editors write a file in several steps; what follows within this time is one change. */
const settleMilliseconds = 100;

/**
 * Calls `onChange` with the paths below `paths` (files or folders) that changed, once the file system is quiet again.
 * Returns how to end it. A path that is not there is not watched.
 */
export async function watchFiles(
  paths: readonly string[],
  onChange: (changed: readonly string[]) => void,
): Promise<() => void> {
  const changed = new Set<string>();
  const watchers: FSWatcher[] = [];
  let timer: NodeJS.Timeout | undefined;
  const note = (path: string): void => {
    changed.add(path);
    clearTimeout(timer);
    timer = setTimeout(() => {
      const settled = [...changed];
      changed.clear();
      onChange(settled);
    }, settleMilliseconds);
  };
  for (const path of paths) {
    const info = await stat(path).catch(() => undefined);
    if (info === undefined) continue;
    // A file is watched through its folder: an editor that replaces it would take the watch along with the old one.
    const folder = info.isDirectory() ? path : dirname(path);
    const watcher = watch(folder, { recursive: info.isDirectory() }, (_event, name) => {
      if (name !== null && (info.isDirectory() || name === basename(path))) note(path);
    });
    // A folder that is removed ends its watch; the review that follows says that it is gone.
    watcher.on('error', () => note(path));
    watchers.push(watcher);
  }
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}
