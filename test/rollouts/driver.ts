import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Balancer, probe } from './balancer.ts';
import { Replica } from './replica.ts';
import { WriteLoad, type WriteFailure } from './write-load.ts';

/** What the driver is asked to do, as JSON in its only argument. */
export interface Task {
  readonly server: string;
  readonly token: string;
  /** Path of a PEM file. */
  readonly caCertificate: string;
  /** Where the balancer listens: the Service's cluster IP. */
  readonly address: string;
  readonly port: number;
  readonly namespace: string;
  /** GateConfiguration in YAML, without `server`. */
  readonly configuration: string;
  readonly configurationFile: string;
  readonly build: string;
  /** Whether replicas only serve, and another process registers and keeps the authority, as `sallyport manifests` has it. */
  readonly hasKeeper: boolean;
  readonly steadyClients: number;
  readonly burstClients: number;
  /** What happens, in this order. Bursts: of writes that meet connections idle for as long as Node lets them. */
  readonly bursts: number;
  readonly caRotations: number;
  readonly restarts: number;
  readonly leafRotations: number;
  /** Of replicas that serve, by SIGKILL. */
  readonly kills: number;
  /** Whether to end as soon as a write has failed. */
  readonly untilFailure: boolean;
}

/** Milliseconds since the load began. */
interface KillSpan {
  readonly killedAt: number;
  /** When no new connection went to the killed one any more. */
  removedAt: number;
}

/** What it prints as one line of JSON. */
export interface Outcome {
  readonly writes: number;
  readonly seconds: number;
  readonly slowestMilliseconds: number;
  readonly failures: readonly WriteFailure[];
  readonly restarts: number;
  readonly leafRotations: number;
  readonly caRotations: number;
  /** What each kill cost, which is not among `failures`. */
  readonly kills: readonly Kill[];
  /** Exit codes of replicas that were asked to end, other than 0. */
  readonly badExits: readonly (number | null)[];
}

export interface Kill {
  readonly failures: number;
  /** From the kill to the end of the last write that failed. */
  readonly outageMilliseconds: number;
}

const task = JSON.parse(process.argv[2] ?? '') as Task;
/** Node's `keepAliveTimeout` of 5 s and its `keepAliveTimeoutBuffer` of 1 s. */
const nodeKeepAliveMilliseconds = 6000;
/** The writes of such a burst begin before that moment and end after it, so that some meet it however busy the machine is. */
const idleBurst = { leadMilliseconds: 50, milliseconds: 80 } as const;
/** Between two machines, and to a control plane that is far away: what one side does, the other learns late. */
const latencyMilliseconds = { near: 1, far: 25 } as const;
/** An API server keeps 25 idle connections; more clients than that at once make it open new ones with each burst. */
const busyPauseMilliseconds = 250;
/** After so many restarts of a replica the keeper gets one. */
const keeperRestart = 2;
const firstReplicaPort = 20_000;

const balancer = new Balancer({
  host: task.address,
  port: task.port,
  propagationMilliseconds: 1000,
  probeIntervalMilliseconds: 1000,
});
const load = new WriteLoad({
  server: task.server,
  token: task.token,
  caCertificate: readFileSync(task.caCertificate, 'utf8'),
  namespace: task.namespace,
  steadyClients: task.steadyClients,
  burstClients: task.burstClients,
  pause: untilAboutToClose,
  mark: 'example.com/mark',
});
const replicas: Replica[] = [];
/** One, or none. */
const keepers: Replica[] = [];
const kills: KillSpan[] = [];
const badExits: (number | null)[] = [];
let started = 0;
const done = { restarts: 0, leafRotations: 0, caRotations: 0 };

/**
 * Until about half of the connections that the last burst has used have been idle for as long as Node lets them: the
 * requests that are written now find them about to be closed. In a cluster chance does that once in a while.
 */
async function untilAboutToClose(): Promise<void> {
  for (;;) {
    const uses = balancer.lastUses().filter((use) => performance.now() - use < 2 * nodeKeepAliveMilliseconds);
    const median = uses.toSorted((a, b) => a - b)[Math.floor(uses.length / 2)];
    const left =
      median === undefined ? 0 : median + nodeKeepAliveMilliseconds - idleBurst.leadMilliseconds - performance.now();
    if (left <= 0 || isOver()) return;
    await sleep(Math.min(left, 100));
  }
}

function say(text: string): void {
  process.stderr.write(
    `${new Date().toISOString()} ${text}; ${load.writes} writes, ${failuresWithoutKill().length} failed\n`,
  );
}

const isOver = (): boolean => task.untilFailure && failuresWithoutKill().length > 0;

/** A write that began while the killed one was an endpoint is the kill's, however late it is answered. */
const isOfKill = ({ at, until }: WriteFailure, { killedAt, removedAt }: KillSpan): boolean =>
  at <= removedAt && until >= killedAt;

function failuresWithoutKill(): WriteFailure[] {
  return load.failures.filter((failure) => !kills.some((span) => isOfKill(failure, span)));
}

function costOf(span: KillSpan): Kill {
  const lost = load.failures.filter((failure) => isOfKill(failure, span));
  const outageMilliseconds = Math.max(0, ...lost.map(({ until }) => until - span.killedAt));
  return { failures: lost.length, outageMilliseconds };
}

async function startReplica(): Promise<Replica> {
  const port = firstReplicaPort + 2 * started;
  started += 1;
  const replica = new Replica({
    name: `replica-${started}`,
    port,
    healthPort: port + 1,
    build: task.build,
    configuration: task.configuration,
    command: task.hasKeeper ? ['serve', '--no-register'] : ['serve'],
    environment: {},
  });
  replicas.push(replica);
  balancer.add(replica);
  await balancer.untilReady(replica).catch((error: unknown) => {
    throw new Error(`${String(error)}; it said:\n${replica.log.slice(-30).join('\n')}`);
  });
  return replica;
}

function startKeeper(): Replica {
  const keeper = new Replica({
    name: 'keeper',
    port: firstReplicaPort - 2,
    healthPort: firstReplicaPort - 1,
    build: task.build,
    configuration: task.configuration,
    command: ['register', '--watch'],
    environment: {
      NODE_OPTIONS: `--import=${join(import.meta.dirname, 'cluster-dns.ts')}`,
      SALLYPORT_TEST_SERVICE_ADDRESS: task.address,
    },
  });
  keepers.push(keeper);
  return keeper;
}

async function untilRegistered(keeper: Replica): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await probe(keeper))) {
    if (performance.now() > deadline)
      throw new Error(`the keeper has not registered; it said:\n${keeper.log.join('\n')}`);
    await sleep(250);
  }
}

async function restartKeeper(): Promise<void> {
  const [former] = keepers;
  if (former === undefined) return;
  keepers.splice(0);
  const code = await former.terminate();
  if (code !== 0) badExits.push(code);
  await untilRegistered(startKeeper());
  say('the keeper is another one');
}

async function retire(replica: Replica): Promise<void> {
  const code = await replica.terminate();
  balancer.remove(replica);
  replicas.splice(replicas.indexOf(replica), 1);
  if (code !== 0) badExits.push(code);
}

/** As a Deployment with maxSurge 1 and maxUnavailable 0 does: one that is ready for one that goes. */
async function restart(): Promise<void> {
  const [oldest] = replicas;
  await startReplica();
  if (oldest !== undefined) await retire(oldest);
  done.restarts += 1;
  if (done.restarts % keeperRestart === 0) await restartKeeper();
  say(`restart ${done.restarts}`);
}

/** As when the kernel's memory killer comes: endpoints follow by the probe alone, and the kubelet starts another. */
async function kill(): Promise<void> {
  const [oldest] = replicas;
  if (oldest === undefined) return;
  const span: KillSpan = { killedAt: load.now(), removedAt: Infinity };
  kills.push(span);
  replicas.splice(replicas.indexOf(oldest), 1);
  await oldest.kill();
  await startReplica();
  balancer.remove(oldest);
  span.removedAt = load.now();
  say(`kill ${kills.length}`);
}

async function certs(command: 'status' | 'rotate'): Promise<{ phase?: string; result?: string }> {
  const main = join(task.build, 'src/cli/main.ts');
  const args = ['--conditions=sallyport-source', main, 'certs', command, '-o', 'json', '-c', task.configurationFile];
  const { stdout } = await promisify(execFile)(process.execPath, args).catch((error: unknown) => {
    // It ends with 1 while configurations lack the newest authority.
    if (typeof error === 'object' && error !== null && 'stdout' in error && error.stdout !== '')
      return error as { stdout: string };
    throw error;
  });
  return JSON.parse(stdout) as { phase?: string; result?: string };
}

async function rotateCa(isOneAsleep: boolean): Promise<void> {
  // Ready, but nobody has sent it anything yet; it sleeps through all of the rotation, and serves after it.
  const sleeper = isOneAsleep ? await startReplica() : undefined;
  if (sleeper !== undefined) {
    balancer.remove(sleeper);
    // Whatever was on its way to it has been answered by then.
    await sleep(2 * 1000);
  }
  const { result } = await certs('rotate');
  if (result !== 'started') throw new Error(`the rotation did not start: ${String(result)}`);
  if (sleeper !== undefined) {
    const deadline = performance.now() + 60_000;
    // The new bundle makes the API server open new connections, none of which comes to it.
    while ((await certs('status')).phase === 'publishing' && performance.now() < deadline && !isOver())
      await sleep(250);
    sleeper.signal('SIGSTOP');
  }
  const deadline = performance.now() + 120_000;
  while ((await certs('status')).phase !== 'steady' && !isOver()) {
    if (performance.now() > deadline) throw new Error('the rotation did not end within two minutes');
    await sleep(500);
  }
  if (sleeper !== undefined && !isOver()) {
    sleeper.signal('SIGCONT');
    balancer.add(sleeper);
    await balancer.untilReady(sleeper);
    const [oldest] = replicas;
    if (oldest !== undefined) await retire(oldest);
  }
  done.caRotations += 1;
  say(`rotation ${done.caRotations} of the CA${isOneAsleep ? ', one replica asleep' : ''}`);
}

async function run(): Promise<Outcome> {
  await balancer.listen();
  const keeper = task.hasKeeper ? startKeeper() : undefined;
  await Promise.all([startReplica(), startReplica()]);
  if (keeper !== undefined) await untilRegistered(keeper);
  say('two replicas are ready');
  const began = performance.now();
  balancer.latencyMilliseconds = latencyMilliseconds.far;
  load.burstMilliseconds = idleBurst.milliseconds;
  load.startBursts();
  while (load.bursts < task.bursts && !isOver()) {
    await sleep(1000);
    say(`burst ${load.bursts}`);
  }
  balancer.latencyMilliseconds = latencyMilliseconds.near;
  load.burstMilliseconds = 0;
  load.pause = () => sleep(busyPauseMilliseconds);
  load.startSteady();
  while (done.caRotations < task.caRotations && !isOver()) await rotateCa(done.caRotations === 0);
  while (done.restarts < task.restarts && !isOver()) await restart();
  while (kills.length < task.kills && !isOver()) await kill();
  const [observed] = replicas;
  const before = observed?.certificates ?? 0;
  while (done.leafRotations < task.leafRotations && !isOver()) {
    await sleep(250);
    const now = (observed?.certificates ?? 0) - before;
    if (now > done.leafRotations) say(`leaf ${now}`);
    done.leafRotations = now;
  }
  // What the last step broke shows within this time.
  if (!isOver()) await sleep(2000);
  await load.stop();
  const seconds = (performance.now() - began) / 1000;
  return {
    writes: load.writes,
    seconds,
    slowestMilliseconds: load.slowestMilliseconds,
    failures: failuresWithoutKill(),
    badExits,
    kills: kills.map(costOf),
    ...done,
  };
}

try {
  const outcome = await run();
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
} finally {
  balancer.close();
  await Promise.all([...replicas, ...keepers].map((replica) => replica.kill()));
}
