import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ControlPlane } from '../../src/testing/control-plane/index.ts';
import { makeBuild, removeBuild, type Edit } from './build.ts';
import type { Outcome, Task } from './driver.ts';

const address = '10.0.0.50';
const port = 443;
const gateNamespace = 'gate-system';
const loadNamespace = 'load';

export interface Scenario {
  /** Changes of the sources. */
  readonly edits: readonly Edit[];
  /** As `sallyport manifests` has it: replicas that only serve, and a process that registers. Default: replicas do both. */
  readonly hasKeeper?: boolean;
  /** What happens, in this order; see the driver's task. Default of each: 0. */
  readonly bursts?: number;
  readonly restarts?: number;
  readonly leafRotations?: number;
  readonly caRotations?: number;
  readonly kills?: number;
  /** Ends at the first write that fails. */
  readonly untilFailure?: boolean;
  /** Shows progress on stderr. */
  readonly isVerbose?: boolean;
}

/**
 * A control plane with a Service, in a network namespace of its own, where the API server calls webhooks as it does in a
 * cluster: by the Service's name, over HTTP/1.1. Each scenario runs two replicas behind a balancer at that address.
 */
export async function startStage(): Promise<ControlPlane> {
  const plane = await ControlPlane.start({ networkNamespace: true });
  try {
    await must(plane.exec(['ip', 'addr', 'add', `${address}/32`, 'dev', 'lo']));
    for (const object of [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: gateNamespace } },
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: loadNamespace, labels: { load: 'true' } } },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'gate', namespace: gateNamespace },
        spec: { clusterIP: address, ports: [{ port, protocol: 'TCP' }] },
      },
    ]) {
      await must(plane.kubectl(['create', '-f', '-'], { input: JSON.stringify(object) }));
    }
    return plane;
  } catch (error) {
    await plane.stop();
    throw error;
  }
}

/** Plays one scenario through the API server at full load with `failurePolicy: Fail`; nothing of it is left running. */
export async function play(plane: ControlPlane, scenario: Scenario): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-rollouts-'));
  const build = makeBuild(scenario.edits);
  writeFileSync(join(build, 'webhooks.ts'), readFileSync(resolve(import.meta.dirname, 'webhooks.ts')));
  const configuration = `apiVersion: config.sallyport.dev/v1alpha1
kind: GateConfiguration
webhooks: { paths: ["${join(build, 'webhooks.ts')}"] }
registration: { service: { namespace: ${gateNamespace}, name: gate, port: ${port} } }
`;
  const configurationFile = join(folder, 'gate.yaml');
  writeFileSync(configurationFile, configuration);
  const caCertificate = join(folder, 'ca.crt');
  writeFileSync(caCertificate, plane.caCertificate);
  const task: Task = {
    server: plane.server,
    token: plane.token,
    caCertificate,
    address,
    port,
    namespace: loadNamespace,
    configuration,
    configurationFile,
    build,
    hasKeeper: scenario.hasKeeper ?? false,
    steadyClients: 8,
    burstClients: 40,
    bursts: scenario.bursts ?? 0,
    restarts: scenario.restarts ?? 0,
    leafRotations: scenario.leafRotations ?? 0,
    caRotations: scenario.caRotations ?? 0,
    kills: scenario.kills ?? 0,
    untilFailure: scenario.untilFailure ?? false,
  };
  try {
    const driver = resolve(import.meta.dirname, 'driver.ts');
    const command = [process.execPath, '--conditions=sallyport-source', driver, JSON.stringify(task)];
    const child = plane.spawn(command, { stdio: ['ignore', 'pipe', 'pipe'] });
    const [outputs, complaints]: [string[], string[]] = [[], []];
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => outputs.push(chunk));
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      complaints.push(chunk);
      if (scenario.isVerbose === true) process.stderr.write(chunk);
    });
    await once(child, 'close');
    const outcome = outputs.join('');
    if (outcome === '') throw new Error(`the driver ended without an outcome:\n${complaints.join('')}`);
    return JSON.parse(outcome) as Outcome;
  } finally {
    await must(plane.kubectl(['delete', 'mutatingwebhookconfigurations,validatingwebhookconfigurations', '--all']));
    await must(plane.kubectl(['delete', 'secrets', '--all', '-n', gateNamespace]));
    rmSync(folder, { recursive: true });
    removeBuild(build);
  }
}

async function must(command: Promise<{ readonly code: number | null; readonly stderr: string }>): Promise<void> {
  const { code, stderr } = await command;
  if (code !== 0) throw new Error(stderr);
}
