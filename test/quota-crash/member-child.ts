import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Quantity } from '../../src/api/quantity.ts';
import { HttpsHubConnection, Ledger, ledgerStoreFor, Member } from '../../src/quota/index.ts';
import { systemClock } from '../../src/telemetry/index.ts';
import { KillingStore } from './killing-store.ts';
import type { MemberCommand, MemberReply, MemberSetup } from './messages.ts';

/** A member in a process of its own, which ends by SIGKILL at the write that it is told. */
const setup = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as MemberSetup;
const cpu = (amount: number) => new Map([['cpu', Quantity.of(BigInt(amount))]]);
const store = await ledgerStoreFor({ mode: 'SQLite', path: setup.path });
const ledger = new Ledger({ store: new KillingStore(store, setup.killAt) });
await ledger.start();
const hub = new HttpsHubConnection({ url: setup.url, credentials: () => setup.credentials });
const cluster = setup.cluster;
const member = new Member({ ledger, hub, cluster, clock: systemClock, uniqueName: randomUUID });
await member.setTerms({ id: 'q', name: 'q', generation: 1, hard: cpu(setup.hard), mode: 'enforce' });
member.start();
const reply = (message: MemberReply): void => void process.send?.(message);

process.on('message', (command: MemberCommand) => {
  const key = { cluster, resource: 'pods', uid: command.uid };
  if (command.kind === 'remove') {
    void ledger
      .observe([{ type: 'gone', key, namespace: 'shop' }])
      .then(() => reply({ kind: 'removed', uid: command.uid }));
    return;
  }
  void member
    .reserve({
      key,
      namespace: 'shop',
      name: command.uid,
      attempt: command.uid,
      usage: cpu(command.cpu),
      quotas: ['q'],
      dryRun: false,
    })
    .then(({ allowed, refusals }) => {
      reply({ kind: allowed ? 'admitted' : 'refused', uid: command.uid, cause: refusals[0]?.cause });
    });
});
reply({ kind: 'ready' });
