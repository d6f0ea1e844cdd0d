import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';

const built = new Set<string>();

/** Path of a program, built once in this process from the Go module in `folder`. */
export function goProgram(name: string, folder: string): string {
  const program = join(homedir(), '.cache/sallyport/bench', name);
  if (built.has(program)) return program;
  const { status, error } = spawnSync('go', ['build', '-trimpath', '-ldflags', '-s -w', '-o', program, '.'], {
    cwd: folder,
    env: { ...process.env, CGO_ENABLED: '0' },
    stdio: 'inherit',
  });
  if (status !== 0) throw error ?? new Error(`${name} could not be built from ${folder}`);
  built.add(program);
  return program;
}
