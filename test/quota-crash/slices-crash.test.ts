import { fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAllotment } from '../../src/quota/hub/allotment-memo.ts';
import { sliceOf } from '../../src/quota/slices/rights.ts';
import { readJournal } from '../../src/quota/slices/journal.ts';
import { ledgerStoreFor, type HubCredentials } from '../../src/quota/index.ts';
import { isPrepaid } from '../../src/quota/ledger/charge.ts';
import { clientCertificate } from '../client-certificate.ts';
import { checkSums } from '../ledger-store-contract.ts';
import { testAuthority, testCertificate } from '../loopback-server.ts';
import type { HubReply, KillAt, MemberCommand, MemberReply } from './messages.ts';

const clusters = ['eu-1', 'us-1'] as const;
type ClusterName = (typeof clusters)[number];

let folder: string;
let children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-slices-'));
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  children = [];
  await rm(folder, { recursive: true, force: true });
});

/** A process, its messages, and its end. */
class Child<Reply> {
  readonly process: ChildProcess;
  readonly ended: Promise<NodeJS.Signals | null>;
  readonly #waiting: ((reply: Reply | undefined) => void)[] = [];
  readonly #replies: Reply[] = [];

  constructor(script: string, setup: string) {
    this.process = fork(join(import.meta.dirname, script), [setup], {
      execArgv: ['--conditions=sallyport-source'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    children.push(this.process);
    this.process.on('message', (reply: Reply) => {
      const next = this.#waiting.shift();
      if (next === undefined) this.#replies.push(reply);
      else next(reply);
    });
    this.ended = new Promise((resolve) => {
      this.process.on('exit', (_code, signal) => {
        for (const end of this.#waiting.splice(0)) end(undefined);
        resolve(signal);
      });
    });
  }

  /** Undefined: the process has ended. */
  next(): Promise<Reply | undefined> {
    const reply = this.#replies.shift();
    if (reply !== undefined) return Promise.resolve(reply);
    if (this.process.exitCode !== null || this.process.signalCode !== null) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** A hub and two members in processes of their own, on files that outlive them. */
class Fleet {
  readonly #credentials = new Map<ClusterName, HubCredentials>();
  readonly #members = new Map<ClusterName, Child<MemberReply>>();
  /** What lives by the word of a member: admitted, and not removed. */
  readonly acknowledged = new Map<string, { readonly cluster: ClusterName; readonly cpu: number }>();
  readonly #hard: number;
  /** Whether a process has ended at its write, as it was told. */
  wasKilled = false;
  #hub: Child<HubReply> | undefined;
  #port = 0;
  #names = 0;

  constructor(hard = 12) {
    this.#hard = hard;
  }

  async prepare(): Promise<void> {
    const [authority, clientAuthority] = [await testAuthority(), await testAuthority()];
    const { certificatePem, privateKeyPem } = await testCertificate(authority);
    await writeFile(join(folder, 'tls.crt'), certificatePem);
    await writeFile(join(folder, 'tls.key'), privateKeyPem);
    await writeFile(join(folder, 'clients.crt'), clientAuthority.certificatePem);
    for (const name of clusters) {
      const { cert, key } = await clientCertificate(clientAuthority, name);
      this.#credentials.set(name, { ca: authority.certificatePem, certificatePem: cert, privateKeyPem: key });
    }
  }

  async startHub(killAt?: KillAt): Promise<void> {
    const setup = { path: join(folder, 'hub.db'), port: this.#port, certificates: folder, hard: this.#hard, killAt };
    const file = join(folder, 'hub.json');
    await writeFile(file, JSON.stringify({ ...setup, clientAuthority: join(folder, 'clients.crt') }));
    this.#hub = new Child('hub-child.ts', file);
    const ready = await this.#hub.next();
    if (ready === undefined) {
      expect(await this.#hub.ended).toBe('SIGKILL');
      this.wasKilled = true;
      return this.startHub();
    }
    this.#port = ready.port;
  }

  async startMember(name: ClusterName, killAt?: KillAt): Promise<void> {
    const file = join(folder, `${name}.json`);
    const url = `https://localhost:${this.#port}`;
    const setup = {
      path: this.pathOf(name),
      url,
      credentials: this.#credentials.get(name),
      cluster: name,
      hard: this.#hard,
      killAt,
    };
    await writeFile(file, JSON.stringify(setup));
    const child = new Child<MemberReply>('member-child.ts', file);
    this.#members.set(name, child);
    // Killed before it was ready: its files stay, and it is started again, whole.
    if ((await child.next()) === undefined) {
      expect(await child.ended).toBe('SIGKILL');
      this.wasKilled = true;
      await this.startMember(name);
    }
  }

  pathOf(name: ClusterName): string {
    return join(folder, `${name}.db`);
  }

  /** Creates and removes until there is nothing more to do, or a process has ended; starts that one again, whole. */
  async work(rounds: number, isOver: () => boolean = () => false): Promise<void> {
    for (let round = 0; round < rounds && !isOver(); round++) {
      for (const name of clusters) {
        const uid = `${name}-${++this.#names}`;
        await this.#ask(name, { kind: 'create', uid, cpu: 1 + (round % 3) });
        const mine = [...this.acknowledged].filter(([, { cluster }]) => cluster === name);
        const [oldest] = mine;
        if (mine.length > 2 && oldest !== undefined) await this.#ask(name, { kind: 'remove', uid: oldest[0] });
      }
    }
  }

  async #ask(name: ClusterName, command: MemberCommand): Promise<void> {
    const child = this.#members.get(name);
    child?.process.send(command, () => undefined);
    const reply = await child?.next();
    if (reply === undefined) {
      expect(await child?.ended).toBe('SIGKILL');
      this.wasKilled = true;
      // It may have been removed: then it takes nothing, and may live by nobody's word.
      if (command.kind === 'remove') this.acknowledged.delete(command.uid);
      await this.startMember(name);
    } else if (reply.kind === 'admitted' && command.kind === 'create') {
      this.acknowledged.set(reply.uid, { cluster: name, cpu: command.cpu });
    } else if (reply.kind === 'removed') this.acknowledged.delete(reply.uid);
    const sum = [...this.acknowledged.values()].reduce((total, { cpu }) => total + cpu, 0);
    expect(sum).toBeLessThanOrEqual(this.#hard);
    if (this.#hub !== undefined && this.#hub.process.signalCode !== null) {
      this.wasKilled = true;
      await this.startHub();
    }
  }

  async endAll(): Promise<void> {
    for (const child of [this.#hub, ...this.#members.values()]) {
      child?.process.kill('SIGKILL');
      await child?.ended;
    }
  }

  /** What the files say, with every process gone: I1, I2, I3, I4 and I7. */
  async check(): Promise<void> {
    const hubStore = await ledgerStoreFor({ mode: 'SQLite', path: join(folder, 'hub.db') });
    await hubStore.open();
    const [shared] = await hubStore.quotas();
    const allotment = readAllotment('q', shared?.memo ?? null);
    const held = [...allotment.slices.values()].map(({ rights }) => sliceOf(rights).get('cpu') ?? 0n);
    expect(held.reduce((sum, each) => sum + each, 0n)).toBeLessThanOrEqual(BigInt(this.#hard) * 1_000_000_000n);
    await hubStore.close();
    for (const name of clusters) {
      const store = await ledgerStoreFor({ mode: 'SQLite', path: this.pathOf(name) });
      await store.open();
      await checkSums(store);
      const [quota] = await store.quotas();
      const slice = sliceOf(readJournal('q', quota?.memo ?? '').rights).get('cpu') ?? 0n;
      const granted = allotment.slices.get(name);
      const atHub = granted === undefined ? 0n : (sliceOf(granted.rights).get('cpu') ?? 0n);
      expect(slice, `${name} has no more than the hub counts`).toBeLessThanOrEqual(atHub);
      expect(quota?.terms.hard.get('cpu')?.nano() ?? 0n).toBe(slice);
      const whole = (await store.accounts('q')).find((account) => account.cluster === '');
      const spent = (whole?.balance.used.get('cpu') ?? 0n) + (whole?.balance.reserved.get('cpu') ?? 0n);
      expect(spent, `${name} spends no more than its slice`).toBeLessThanOrEqual(slice);
      const charges = await store.charges({ limit: 1000 });
      const charged = new Set(charges.map(({ key }) => key.uid));
      const mine = [...this.acknowledged].filter(([uid, { cluster }]) => cluster === name && !charged.has(uid));
      const owed = mine.reduce((sum, [, { cpu }]) => sum + cpu, 0);
      const blocks = charges.filter(({ key }) => isPrepaid(key)).flatMap(({ pending }) => pending);
      const held = blocks.reduce((sum, { amounts }) => sum + (amounts.get('cpu') ?? 0n), 0n);
      expect(held, `${mine.map(([uid]) => uid).join()} were acknowledged`).toBeGreaterThanOrEqual(
        BigInt(owed) * 1_000_000_000n,
      );
      await store.close();
    }
  }
}

const writes = [1, 2, 3, 5, 8];
const boundaries = writes.flatMap((write) => [
  { write, side: 'before' as const },
  { write, side: 'after' as const },
]);

describe('grants and returns over kill -9', () => {
  it.each(boundaries)('of the hub $side its write $write', { timeout: 120_000 }, async (killAt) => {
    const fleet = new Fleet();
    await fleet.prepare();
    // The first start writes the terms.
    await fleet.startHub();
    await fleet.endAll();
    await fleet.startHub(killAt);
    for (const name of clusters) await fleet.startMember(name);
    await fleet.work(8);
    await fleet.endAll();
    expect(fleet.wasKilled).toBe(true);
    await fleet.check();
  });

  it.each(boundaries)('of a member $side its write $write', { timeout: 120_000 }, async (killAt) => {
    const fleet = new Fleet();
    await fleet.prepare();
    await fleet.startHub();
    await fleet.startMember('eu-1', killAt);
    await fleet.startMember('us-1');
    await fleet.work(8);
    await fleet.endAll();
    expect(fleet.wasKilled).toBe(true);
    await fleet.check();
  });

  // With room enough to hold some of it for requests to come, which are answered before they are written.
  it.each([
    { write: 1, side: 'before' as const, ofPrepaid: true },
    { write: 4, side: 'before' as const, ofPrepaid: true },
    { write: 4, side: 'after' as const, ofPrepaid: true },
  ])('of a member $side its write $write of what it had answered', { timeout: 120_000 }, async (killAt) => {
    const fleet = new Fleet(400);
    await fleet.prepare();
    await fleet.startHub();
    await fleet.startMember('eu-1', killAt);
    await fleet.startMember('us-1');
    await fleet.work(5000, () => fleet.wasKilled);
    await fleet.work(4);
    await fleet.endAll();
    expect(fleet.wasKilled).toBe(true);
    await fleet.check();
  });
});
