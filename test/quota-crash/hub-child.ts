import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { WebhookRegistry } from '../../src/admission/index.ts';
import { Quantity } from '../../src/api/quantity.ts';
import { FileSource } from '../../src/certs/index.ts';
import { Hub, hubRoute, Ledger, ledgerStoreFor } from '../../src/quota/index.ts';
import { AdmissionServer } from '../../src/server/index.ts';
import { silentLogger, systemClock } from '../../src/telemetry/index.ts';
import { KillingStore } from './killing-store.ts';
import type { HubReply, HubSetup } from './messages.ts';

/** A hub in a process of its own, which ends by SIGKILL at the write that it is told. */
const setup = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as HubSetup;
const store = await ledgerStoreFor({ mode: 'SQLite', path: setup.path });
const ledger = new Ledger({ store: new KillingStore(store, setup.killAt) });
await ledger.start();
const hub = new Hub({ ledger, clock: systemClock, uniqueName: randomUUID });
const hard = new Map([['cpu', Quantity.of(BigInt(setup.hard))]]);
await hub.setTerms({ id: 'q', name: 'q', generation: 1, hard, mode: 'enforce' });
const certificates = new FileSource({ directory: setup.certificates, logger: silentLogger });
await certificates.start();
const server = new AdmissionServer({
  registry: new WebhookRegistry([]),
  certificates,
  host: '127.0.0.1',
  port: setup.port,
  clientCertificates: { ca: readFileSync(setup.clientAuthority, 'utf8') },
  routes: [hubRoute(hub, silentLogger)],
});
const { port } = await server.start();
const reply: HubReply = { kind: 'ready', port };
process.send?.(reply);
