import { WebhookRegistry } from '../../src/admission/index.ts';
import { parseServingCertificate } from '../../src/certs/serving-certificate.ts';
import {
  askOwnUser,
  deletionGuardKind,
  GuardController,
  Guards,
  Hooks,
  type PhaseChange,
} from '../../src/guard/index.ts';
import { clusterObjectSource, KubeClient, loadKubeconfig } from '../../src/kube/index.ts';
import { AdmissionServer, noObserver, type FinishedRequest } from '../../src/server/index.ts';
import { silentLogger, systemClock, type Logger } from '../../src/telemetry/index.ts';
import { SettableCertificates } from '../loopback-server.ts';

export interface GuardReplicaOptions {
  readonly kubeconfig: string;
  readonly identity: string;
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  readonly leaseSeconds: number;
  readonly log?: Logger;
}

/** One replica of the guard: controller and server, as the gate puts them together. */
export class GuardReplica {
  readonly controller: GuardController;
  readonly port: number;
  readonly requests: FinishedRequest[];
  readonly changes: PhaseChange[];
  readonly #stop: () => Promise<void>;

  private constructor(
    controller: GuardController,
    port: number,
    record: { readonly requests: FinishedRequest[]; readonly changes: PhaseChange[] },
    stop: () => Promise<void>,
  ) {
    this.controller = controller;
    this.port = port;
    this.requests = record.requests;
    this.changes = record.changes;
    this.#stop = stop;
  }

  static async start(options: GuardReplicaOptions): Promise<GuardReplica> {
    const { identity, leaseSeconds, log = silentLogger } = options;
    const client = new KubeClient(await loadKubeconfig([options.kubeconfig]));
    const source = clusterObjectSource({ client, kinds: [deletionGuardKind] });
    source.start();
    await source.waitForSync();
    const hooks = new Hooks({ client, clock: systemClock });
    const guards = new Guards({ source, definitions: [], hooks, client, clock: systemClock, log });
    const requests: FinishedRequest[] = [];
    const changes: PhaseChange[] = [];
    const controller = new GuardController({
      client,
      guards,
      namespace: guardNamespace,
      identity,
      user: await askOwnUser(client),
      leaseSeconds,
      observer: { phaseChanged: (change) => void changes.push(change) },
      log,
    });
    await controller.start();
    const server = new AdmissionServer({
      registry: new WebhookRegistry([...controller.webhooks()]),
      certificates: new SettableCertificates(parseServingCertificate(options.certificate, options.key, identity)),
      host: '127.0.0.1',
      port: 0,
      shutdown: { quietPeriodMilliseconds: 0, hardDeadlineMilliseconds: 1000 },
      observer: { ...noObserver, requestFinished: (request) => void requests.push(request) },
      logger: log,
    });
    const { port } = await server.start();
    return new GuardReplica(controller, port, { requests, changes }, async () => {
      await server.stop();
      await controller.stop();
      guards.close();
      await hooks.close();
      await source.stop();
      client.close();
    });
  }

  stop(): Promise<void> {
    return this.#stop();
  }
}

export const guardNamespace = 'sallyport-system';
