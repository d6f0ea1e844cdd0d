import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { exitCode, type ExitCode } from '../exit-code.ts';
import type { VersionOptions } from '../program.ts';

export async function version({ output }: VersionOptions): Promise<ExitCode> {
  // By name, since the place of this file in the package depends on the build.
  const manifest = createRequire(import.meta.url).resolve('sallyport/package.json');
  const { version: sallyport } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  const versions = { sallyport, node: process.version };
  process.stdout.write(
    output === 'json' ? `${JSON.stringify(versions)}\n` : `sallyport ${sallyport} (Node ${process.version})\n`,
  );
  return exitCode.done;
}
