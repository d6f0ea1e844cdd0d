/**
 * Where the processes of one control plane live: a folder, optionally a network namespace, and a watcher that leaves
 * nothing of them behind when this process dies without having stopped them.
 */
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ControlPlaneStartError } from './errors.ts';

export interface Host {
  /** Holds data, keys, logs and one `<name>.pid` for each process that runs. */
  readonly directory: string;
  /** The command that runs `command` here: in the network namespace, if there is one. */
  wrap(command: readonly string[]): string[];
  /** Runs `command` as a process that the watcher ends; `name` is its `<name>.pid`. */
  spawn(name: string, command: readonly string[], stdio: StdioOptions): ChildProcess;
  /** Ends the watcher and removes the folder. The processes must have ended. */
  close(): Promise<void>;
}

/**
 * Waits for the end of its standard input, which comes when the process that holds the other side ends, however it
 * ends; then kills what runs and removes the folder. The folder is renamed first: a process that has not written its
 * pid by then cannot write it any more, and does not start (see {@link launcher}).
 */
const watcher = `
directory=$1
trap '' HUP INT TERM
if [ "$2" = namespace ]; then PATH=$PATH:/usr/sbin:/sbin ip link set lo up || exit 1; fi
echo ready
while read -r _; do :; done
mv "$directory" "$directory.dead" || exit 0
for file in "$directory.dead"/*.pid; do [ -e "$file" ] && kill -KILL "$(cat "$file")"; done
rm -rf "$directory.dead"
`;

/** Writes its pid, then becomes the command. */
const launcher = 'file=$1; shift; echo $$ > "$file" && exec "$@"';

/** Opens a folder and its watcher. Throws {@link ControlPlaneStartError} when no network namespace can be made. */
export async function openHost(options: { readonly networkNamespace: boolean }): Promise<Host> {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-control-plane-'));
  const shell = ['/bin/sh', '-c', watcher, 'watcher', directory, options.networkNamespace ? 'namespace' : ''];
  const [program = '', ...args] = options.networkNamespace ? [...unshareCommand(), ...shell] : shell;
  // Detached: a Ctrl-C in the terminal reaches this process alone, which then stops the others in order.
  const child = spawn(program, args, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  const complaints: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk.toString()));
  const ready = await Promise.race([
    once(child.stdout, 'data').then(() => true),
    once(child, 'close').then(
      () => false,
      (error: Error) => {
        complaints.push(error.message);
        return false;
      },
    ),
  ]);
  if (!ready) {
    rmSync(directory, { recursive: true, force: true });
    const what = options.networkNamespace ? 'could not make a network namespace' : 'did not start';
    throw new ControlPlaneStartError(program, what, complaints.join('').trim().split('\n'));
  }
  // The control plane must not keep the caller's process alive: when that has nothing left to do, the watcher acts.
  child.unref();
  // Pipes of a child are sockets; only the type says less.
  for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as Socket).unref();
  child.stdin.on('error', () => undefined);

  const wrap = (command: readonly string[]): string[] =>
    options.networkNamespace ? [...nsenterCommand(child.pid ?? 0), ...command] : [...command];
  return {
    directory,
    wrap,
    spawn(name, command, stdio) {
      const pidFile = join(directory, `${name}.pid`);
      const launched = ['/bin/sh', '-c', launcher, 'launcher', pidFile, ...wrap(command)];
      const [shellProgram = '', ...shellArgs] = launched;
      const process = spawn(shellProgram, shellArgs, { cwd: directory, detached: true, stdio });
      process.unref();
      process.once('exit', () => rmSync(pidFile, { force: true }));
      return process;
    },
    async close() {
      const ended = once(child, 'exit');
      child.ref();
      child.kill('SIGKILL');
      await ended;
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Anyone may make a network namespace inside a user namespace of their own; root needs none. */
function unshareCommand(): string[] {
  return ['unshare', '--net', ...(isRoot() ? [] : ['--user', '--map-root-user']), '--'];
}

/** nsenter becomes the command without a fork when it enters no PID namespace, so the pid stays. */
function nsenterCommand(pid: number): string[] {
  return ['nsenter', '--target', String(pid), '--net', ...(isRoot() ? [] : ['--user', '--preserve-credentials']), '--'];
}
