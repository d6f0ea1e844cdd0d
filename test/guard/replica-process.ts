/** A replica as a process of its own, to be killed. Options come as JSON in the environment; the port goes out as a line. */
import { pinoLogger } from '../../src/telemetry/pino-logger.ts';
import { GuardReplica, type GuardReplicaOptions } from './guard-replica.ts';

const options = JSON.parse(process.env['GUARD_REPLICA'] ?? '{}') as GuardReplicaOptions;
const sink = { write: (line: string) => void process.stderr.write(line) };
const replica = await GuardReplica.start({ ...options, log: pinoLogger({ level: 'info', sink }) });
process.stdout.write(`${replica.port}\n`);
