import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { KubeClient, loadKubeconfig } from '../../src/kube/index.ts';
import { ControlPlane } from '../../src/testing/control-plane/index.ts';
import { findFreePort } from '../../src/testing/control-plane/free-port.ts';
import { GateProcess } from './gate-process.ts';

const root = resolve(import.meta.dirname, '../..');
const configurations = 'validatingwebhookconfigurations';

let plane: ControlPlane;
let client: KubeClient;
let folder: string;

beforeAll(async () => {
  plane = await ControlPlane.start();
  client = new KubeClient(await loadKubeconfig([plane.kubeconfig]));
  mkdirSync(join(root, '.cache'), { recursive: true });
  folder = mkdtempSync(join(root, '.cache/faults-'));
});
afterAll(async () => {
  client.close();
  await plane.stop();
  rmSync(folder, { recursive: true });
});

interface Gate {
  readonly name: string;
  readonly process: GateProcess;
  /** Whether a write to its namespace is judged by its webhook: denied as it is written, not failed. */
  readonly isInForce: () => Promise<boolean>;
}

/** A gate with one webhook, failurePolicy Fail, for a namespace of its own. */
async function startGate(
  { onTestFinished }: TestContext,
  name: string,
  options: { readonly kubeconfig?: string; readonly environment?: Readonly<Record<string, string>> } = {},
): Promise<Gate> {
  const webhooks = join(folder, `${name}.ts`);
  writeFileSync(
    webhooks,
    `import { defineValidator, deny } from 'sallyport';
export const gate = defineValidator({
  name: '${name}.example.com',
  resource: 'configmaps',
  operations: ['CREATE'],
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': '${name}' } },
  handler: () => deny('${name} says no'),
});
`,
  );
  await client.create({ group: '', version: 'v1', resource: 'namespaces' }, namespace(name));
  const [port, healthPort] = [await findFreePort(), await findFreePort()];
  const process = await GateProcess.start(
    plane,
    `webhooks: { paths: ["${webhooks}"] }
server: { host: 127.0.0.1, port: ${port}, healthPort: ${healthPort} }
certificates: { mode: SelfManaged, secretName: ${name} }
registration: { name: ${name}, url: "https://127.0.0.1:${port}" }
`,
    {
      environment: {
        ...(options.kubeconfig !== undefined && { KUBECONFIG: options.kubeconfig }),
        ...options.environment,
      },
    },
  );
  onTestFinished(async () => {
    await process.stop();
    await plane.kubectl(['delete', configurations, name, '--ignore-not-found']);
  });
  return { name, process, isInForce: async () => (await write(name)).includes(`${name} says no`) };
}

const namespace = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

/** What the API server says to a write there. */
async function write(name: string): Promise<string> {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'write-', namespace: name } };
  try {
    await client.create({ group: '', version: 'v1', resource: 'configmaps', namespace: name }, object);
    return 'written past the webhook';
  } catch (error) {
    return String(error);
  }
}

/** Asks until it is so; the time is the claim that is tested. The last look begins after it: a stall alone does not fail it. */
async function within(seconds: number, check: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const isLast = performance.now() > end;
    if (await check()) return;
    if (isLast) throw new Error(`not so within ${seconds} s`);
    await sleep(50);
  }
}

async function authorityOf(gate: Gate): Promise<string | undefined> {
  const { stdout } = await plane.kubectl(['get', 'secret', gate.name, '-o', 'jsonpath={.data.signing\\.crt}']);
  return stdout === '' ? undefined : stdout;
}

async function uidOf(gate: Gate): Promise<string> {
  const command = ['get', configurations, gate.name, '--ignore-not-found', '-o', 'jsonpath={.metadata.uid}'];
  return (await plane.kubectl(command)).stdout;
}

/** Whoever hears of it writes another one. */
async function deleteConfiguration(gate: Gate, secondsUntilItIsBack: number): Promise<void> {
  const deleted = await uidOf(gate);
  await plane.kubectl(['delete', configurations, gate.name]);
  await within(
    secondsUntilItIsBack,
    async () => !['', deleted].includes(await uidOf(gate)) && (await gate.isInForce()),
  );
}

describe('the gate comes to the right state by itself when', () => {
  it('its configuration is deleted: within 2 s', async (context) => {
    const gate = await startGate(context, 'configuration-deleted');
    await deleteConfiguration(gate, 2);
  });

  it('its Secret is deleted: within 5 s there is a new authority, and at no moment a write fails', async (context) => {
    const gate = await startGate(context, 'secret-deleted');
    const before = await authorityOf(gate);
    await plane.kubectl(['delete', 'secret', gate.name]);
    await within(5, async () => {
      // The old authority stays in the bundle, and the leaf it signed stays acceptable.
      expect(await write(gate.name)).toContain('says no');
      const now = await authorityOf(gate);
      return now !== undefined && now !== before;
    });
    expect(await gate.isInForce()).toBe(true);
  });

  it('the API server restarts: at once, and it hears of changes within 30 s', async (context) => {
    const gate = await startGate(context, 'api-server-restarted');
    await plane.killApiServer();
    await plane.startApiServer();
    expect(await write(gate.name)).toContain('says no');
    await deleteConfiguration(gate, 30);
  });

  it('its watches are cut: it hears of changes again within 3 s', async (context) => {
    const wire = await Wire.to(new URL(plane.server), context);
    const gate = await startGate(context, 'watch-cut', { kubeconfig: wire.kubeconfig('cut') });
    wire.cut();
    await deleteConfiguration(gate, 3);
  });
});

/** Slow ones, side by side. */
describe.concurrent(
  'the gate comes to the right state by itself, without a restart, when',
  { timeout: 150_000 },
  () => {
    it('its connections fall silent without an end: within 90 s', async (context) => {
      const wire = await Wire.to(new URL(plane.server), context);
      const gate = await startGate(context, 'connections-silent', { kubeconfig: wire.kubeconfig('silent') });
      wire.silence();
      await deleteConfiguration(gate, 90);
    });

    it('its clock moves a year ahead, and everything that it has is out of time: within 75 s', async (context) => {
      const gate = await startGate(context, 'clock-moved', {
        environment: {
          NODE_OPTIONS: `--import=${join(import.meta.dirname, 'shift-clock.ts')}`,
          SALLYPORT_TEST_CLOCK_SHIFT: String(-366 * 24 * 60 * 60_000),
        },
      });
      // The API server lives in the present already; it hears of the configuration by a watch of its own.
      await within(10, async () => /certificate has expired or is not yet valid/.test(await write(gate.name)));
      gate.process.signal('SIGUSR2');
      await within(75, gate.isInForce);
    });
  },
);

/** A TCP proxy between the gate and the API server, whose connections can be cut, or fall silent as a dead network does. */
class Wire {
  readonly #server: Server;
  readonly #port: number;
  readonly #open = new Set<Socket>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.#port = port;
  }

  static async to({ hostname, port }: URL, { onTestFinished }: TestContext): Promise<Wire> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new TypeError('a TCP server has an address and a port');
    const wire = new Wire(server, address.port);
    server.on('connection', (near) => {
      const far = connect(Number(port), hostname);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        wire.#open.add(from);
        from.pipe(to);
        from.on('error', () => to.destroy());
        from.once('close', () => {
          wire.#open.delete(from);
          to.destroy();
        });
      }
    });
    onTestFinished(() => wire.#close());
    return wire;
  }

  /** Path of a kubeconfig that goes over it. */
  kubeconfig(name: string): string {
    const file = join(folder, `${name}.kubeconfig`);
    const through = `https://127.0.0.1:${this.#port}`;
    writeFileSync(file, readFileSync(plane.kubeconfig, 'utf8').replaceAll(plane.server, through), { mode: 0o600 });
    return file;
  }

  /** Ends every connection; new ones pass. */
  cut(): void {
    for (const socket of this.#open) if (!socket.writableEnded) socket.resetAndDestroy();
  }

  /** Nothing passes over the connections that are open now, and nobody is told; new ones pass. */
  silence(): void {
    for (const socket of this.#open) {
      socket.unpipe();
      socket.resume();
    }
  }

  #close(): void {
    this.cut();
    this.#server.close();
  }
}
