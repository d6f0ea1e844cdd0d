import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseManifests, type Manifest, type ManifestFile, type ManifestProblem } from '../api/manifest.ts';

const manifestPattern = /\.(?:ya?ml|json)$/;

/**
 * Reads the manifests of files, folders (with what is below them) and, for `-`, standard input, in byte order of their
 * paths. Whatever cannot be read is a problem, not an exception: the rest is read all the same.
 */
export async function readManifestFiles(paths: readonly string[]): Promise<ManifestFile> {
  const manifests: Manifest[] = [];
  const problems: ManifestProblem[] = [];
  for (const path of paths) {
    for (const file of await listManifests(path, problems)) {
      const content = await read(file, problems);
      if (content === undefined) continue;
      const found = parseManifests(content, file === '-' ? '(standard input)' : file);
      manifests.push(...found.manifests);
      problems.push(...found.problems);
    }
  }
  return { manifests, problems };
}

async function listManifests(path: string, problems: ManifestProblem[]): Promise<string[]> {
  if (path === '-') return [path];
  try {
    const info = await stat(path);
    if (!info.isDirectory()) return [path];
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && manifestPattern.test(entry.name));
    if (files.length === 0)
      problems.push({ file: path, line: 0, column: 0, message: 'holds no .yaml, .yml or .json file' });
    return files.map((entry) => join(entry.parentPath, entry.name)).sort();
  } catch (error) {
    problems.push({ file: path, line: 0, column: 0, message: reasonOf(error) });
    return [];
  }
}

async function read(file: string, problems: ManifestProblem[]): Promise<string | undefined> {
  try {
    return file === '-' ? await readStandardInput() : await readFile(file, 'utf8');
  } catch (error) {
    problems.push({ file, line: 0, column: 0, message: reasonOf(error) });
    return undefined;
  }
}

async function readStandardInput(): Promise<string> {
  const { text } = await import('node:stream/consumers');
  return text(process.stdin);
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' ? 'there is no such file or folder' : `cannot be read: ${String(error)}`;
}
