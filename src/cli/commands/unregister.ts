import { readGateConfiguration } from '../../app/gate-configuration.ts';
import { KubeClient, loadClusterConfig } from '../../kube/index.ts';
import { unregister as removeConfigurations } from '../../registrar/index.ts';
import { systemClock } from '../../telemetry/index.ts';
import { exitCode, type ExitCode } from '../exit-code.ts';
import type { UnregisterOptions } from '../program.ts';

/** Removes what the gate has registered, and sees to it that a running gate does not bring it back. Safe to call twice. */
export async function unregister({ config, name }: UnregisterOptions): Promise<ExitCode> {
  const registered =
    name ?? (config === undefined ? 'sallyport' : (await readGateConfiguration(config)).registration.name);
  const client = new KubeClient(await loadClusterConfig({ environment: process.env }));
  try {
    const removed = await removeConfigurations({ client, name: registered, clock: systemClock });
    const lines =
      removed.length === 0 ? [`nothing is registered as ${registered}`] : removed.map((each) => `removed ${each}`);
    process.stdout.write(`${lines.join('\n')}\n`);
    return exitCode.done;
  } finally {
    client.close();
  }
}
