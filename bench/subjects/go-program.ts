import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Path of a program, built from the Go module in `folder`. Go sees itself whether there is anything to do. */
export function goProgram(name: string, folder: string): string {
  const program = join(homedir(), '.cache/sallyport/bench', name);
  const { status, error } = spawnSync('go', ['build', '-trimpath', '-ldflags', '-s -w', '-o', program, '.'], {
    cwd: folder,
    env: { ...process.env, CGO_ENABLED: '0' },
    stdio: 'inherit',
  });
  if (status !== 0) throw error ?? new Error(`${name} could not be built from ${folder}`);
  return program;
}
