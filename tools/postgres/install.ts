/** Makes sure that there is a PostgreSQL for the tests: `node tools/postgres/install.ts`. */
import { ensurePostgres } from './binaries.ts';

console.log(`PostgreSQL: ${ensurePostgres()}`);
