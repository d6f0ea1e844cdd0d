import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { loadCore } from '../subjects/process.ts';

/** Runs a load generator on the core set aside for that, and resolves with what it printed. */
export async function onLoadCore(program: string, args: readonly string[]): Promise<string> {
  const child = spawn('taskset', ['-c', loadCore, program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  const output = Buffer.concat(chunks).toString();
  if (code !== 0) throw new Error(`${program} ended with ${code}:\n${output}`);
  return output;
}
