import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

/** Where `postgres`, `initdb` and `pg_ctl` lie; undefined where there are none. Debian keeps them off the PATH. */
export function postgresBinaries(): string | undefined {
  const folders = [
    ...globSync('/usr/lib/postgresql/*/bin').sort().reverse(),
    ...(process.env['PATH'] ?? '').split(':'),
  ];
  const programs = ['postgres', 'initdb', 'createdb'];
  return folders.find((folder) => programs.every((program) => existsSync(join(folder, program))));
}

/** Installs PostgreSQL from the distribution where it is missing. Throws where that cannot be done, and says what to do. */
export function ensurePostgres(): string {
  const present = postgresBinaries();
  if (present !== undefined) return present;
  if (process.getuid?.() !== 0) {
    throw new Error('PostgreSQL is missing: install it, for instance by `sudo apt-get install postgresql`');
  }
  const install = ['apt-get install -y --no-install-recommends postgresql'];
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // Lists of packages may be missing or old on a fresh machine.
  for (const command of [...install, 'apt-get update', ...install]) {
    console.log(command);
    const { status } = spawnSync(command, { shell: true, stdio: 'inherit', env: environment, timeout: 600_000 });
    const installed = postgresBinaries();
    if (status === 0 && installed !== undefined) return installed;
  }
  throw new Error('PostgreSQL is missing and could not be installed with apt-get: see above');
}
