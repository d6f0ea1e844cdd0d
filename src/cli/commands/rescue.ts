import { readGateConfiguration } from '../../app/gate-configuration.ts';
import { KubeClient, loadClusterConfig } from '../../kube/index.ts';
import { rescue as ignoreFailures, undoRescue, type RescuedWebhook } from '../../registrar/index.ts';
import { systemClock } from '../../telemetry/index.ts';
import { exitCode, type ExitCode } from '../exit-code.ts';
import type { RescueOptions } from '../program.ts';

/** Lets requests pass that the gate does not answer, or takes that back. Refused when nothing of ours is registered. */
export async function rescue({ config, name, undo = false, output }: RescueOptions): Promise<ExitCode> {
  const registered =
    name ?? (config === undefined ? 'sallyport' : (await readGateConfiguration(config)).registration.name);
  const client = new KubeClient(await loadClusterConfig({ environment: process.env }));
  try {
    const options = { client, name: registered, clock: systemClock };
    const webhooks = await (undo ? undoRescue(options) : ignoreFailures(options));
    const undoCommand = `sallyport rescue --undo --name ${registered}`;
    if (output === 'json') {
      process.stdout.write(
        `${JSON.stringify({ registration: registered, undo, webhooks, undoCommand }, undefined, 2)}\n`,
      );
    } else {
      process.stdout.write(webhooks.length === 0 ? `nothing is registered as ${registered}\n` : table(webhooks));
      if (webhooks.length > 0 && !undo) process.stdout.write(`\nTo get back: ${undoCommand}\n`);
    }
    return webhooks.length === 0 ? exitCode.refused : exitCode.done;
  } finally {
    client.close();
  }
}

function table(webhooks: readonly RescuedWebhook[]): string {
  const lines = webhooks.map(({ configuration, webhook, from, to }) =>
    from === to
      ? `${configuration}, ${webhook}: failurePolicy is ${to} already`
      : `${configuration}, ${webhook}: failurePolicy ${from} -> ${to}`,
  );
  return `${lines.join('\n')}\n`;
}
