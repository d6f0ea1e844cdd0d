import { readFile } from 'node:fs/promises';
import { exitCode, type ExitCode } from '../exit-code.ts';
import type { VersionOptions } from '../program.ts';

export async function version({ output }: VersionOptions): Promise<ExitCode> {
  // The same distance from src/cli/commands and from dist/cli/commands.
  const manifest = new URL('../../../package.json', import.meta.url);
  const { version: sallyport } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  const versions = { sallyport, node: process.version };
  process.stdout.write(
    output === 'json' ? `${JSON.stringify(versions)}\n` : `sallyport ${sallyport} (Node ${process.version})\n`,
  );
  return exitCode.done;
}
