import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postgresBinaries } from '../tools/postgres/binaries.ts';

/**
 * A PostgreSQL of its own, in a temporary folder, on a socket there; durable as users have it. As root it runs as another
 * user, since it refuses root.
 */
export class PostgresServer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'sallyport-postgres-'));
  readonly #binaries: string;
  readonly #user = unprivilegedUser();
  #process: ChildProcess | undefined;
  #databases = 0;

  private constructor(binaries: string) {
    this.#binaries = binaries;
  }

  static async start(): Promise<PostgresServer> {
    const binaries = postgresBinaries();
    if (binaries === undefined) throw new Error('PostgreSQL is missing: run `node tools/postgres/install.ts`');
    const server = new PostgresServer(binaries);
    if (server.#user !== undefined) chownSync(server.#folder, server.#user.uid, server.#user.gid);
    server.#run('initdb', '-D', server.#data, '-U', 'ledger', '--auth=trust', '--no-sync', '-E', 'UTF8');
    await server.restart();
    return server;
  }

  get #data(): string {
    return join(this.#folder, 'data');
  }

  /** A new, empty database. */
  newDatabase(): string {
    const name = `ledger_${(this.#databases += 1)}`;
    this.#run('createdb', '-h', this.#folder, '-U', 'ledger', name);
    return this.url(name);
  }

  url(database: string): string {
    return `postgres://ledger@/${database}?host=${encodeURIComponent(this.#folder)}`;
  }

  /** Where it listens. */
  get socketPath(): string {
    return join(this.#folder, '.s.PGSQL.5432');
  }

  async restart(): Promise<void> {
    const args = ['-D', this.#data, '-k', this.#folder, '-c', 'listen_addresses=', '-c', 'max_connections=60'];
    const child = spawn(join(this.#binaries, 'postgres'), args, { stdio: ['ignore', 'ignore', 'pipe'], ...this.#user });
    this.#process = child;
    let log = '';
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`postgres did not start: ${log}`)), 30_000);
      child.once('exit', () => reject(new Error(`postgres ended: ${log}`)));
      child.stderr?.on('data', (chunk: Buffer) => {
        if (timer.hasRef() && (log += chunk.toString()).includes('ready to accept connections')) {
          clearTimeout(timer);
          resolve();
        }
      });
    });
  }

  /** `SIGQUIT` ends it at once, with recovery at the next start, as a crash does; `SIGINT` in order. */
  async stop(signal: 'SIGINT' | 'SIGQUIT' = 'SIGINT'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  async remove(): Promise<void> {
    await this.stop('SIGQUIT');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #run(program: string, ...args: string[]): void {
    const { status, stderr, error } = spawnSync(join(this.#binaries, program), args, { cwd: '/', ...this.#user });
    if (status !== 0) throw new Error(`${program}: ${error?.message ?? String(stderr)}`);
  }
}

function unprivilegedUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  const line = lines.find((each) => each.startsWith('postgres:')) ?? lines.find((each) => each.startsWith('nobody:'));
  const [, , uid, gid] = (line ?? '').split(':').map(Number);
  if (uid === undefined || gid === undefined) throw new Error('there is no user postgres or nobody to run postgres as');
  return { uid, gid };
}
