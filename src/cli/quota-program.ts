import { Option, type Command } from 'commander';
import type { ExitCode } from './exit-code.ts';

export interface QuotaOptions {
  readonly config: string;
  readonly output: 'table' | 'json';
}

export interface QuotaReleaseOptions extends QuotaOptions {
  readonly cluster?: string;
  readonly by?: string;
  readonly reason: string;
}

export interface QuotaClusterOptions extends QuotaOptions {
  readonly by?: string;
}

export interface QuotaForgetOptions extends QuotaClusterOptions {
  readonly reason: string;
}

export interface QuotaHubCommandOptions {
  readonly config: string;
}

/** `sallyport quota …`. Commands are loaded when they are called. */
export function addQuotaCommands(program: Command, finish: (code: ExitCode) => void): void {
  const quota = program
    .command('quota')
    .description('Quota across clusters: who uses what, what would fit, and what to do when something is wrong.');

  quota
    .command('hub')
    .description('Serve the hub that grants slices of quotas to the gates of many clusters, until SIGTERM.')
    .requiredOption('--config <file>', 'a QuotaHubConfiguration')
    .addHelpText('after', '\nExample:\n  sallyport quota hub --config hub.yaml\n')
    .action(async (options: QuotaHubCommandOptions) => {
      const { quotaHub } = await import('./commands/quota-hub.ts');
      finish(await quotaHub(options));
    });

  shared(quota.command('ls').description('List the quotas with what is used of each, and of which there is too much.'))
    .addHelpText('after', '\nExample:\n  sallyport quota ls --config gate.yaml\n')
    .action(async (options: QuotaOptions) => {
      const { quotaLs } = await import('./commands/quota.ts');
      finish(await quotaLs(options));
    });

  shared(
    quota
      .command('show')
      .description(
        'Show one quota: every resource, by cluster and by namespace. With the QuotaHubConfiguration of a hub: what each ' +
          'cluster holds of it.',
      ),
  )
    .argument('<quota>', 'name of a GlobalQuota')
    .addHelpText('after', '\nExample:\n  sallyport quota show team-a --config gate.yaml\n')
    .action(async (name: string, options: QuotaOptions) => {
      const { quotaShow } = await import('./commands/quota.ts');
      finish(await quotaShow(name, options));
    });

  shared(quota.command('who').description('List the objects that are charged to a quota, the largest first.'))
    .argument('<quota>', 'name of a GlobalQuota')
    .addHelpText('after', '\nExample:\n  sallyport quota who team-a --config gate.yaml\n')
    .action(async (name: string, options: QuotaOptions) => {
      const { quotaWho } = await import('./commands/quota.ts');
      finish(await quotaWho(name, options));
    });

  shared(
    quota
      .command('explain')
      .description(
        'Say which quotas count the objects of manifests, what they would take, and whether that fits. ' +
          'Nothing is reserved. Workloads are taken with all their Pods. Reads namespaces from the cluster of the kubeconfig.',
      ),
  )
    .argument('<files...>', 'manifests: files, folders, or - for standard input')
    .addHelpText('after', '\nExample:\n  sallyport quota explain deployment.yaml --config gate.yaml\n')
    .action(async (files: string[], options: QuotaOptions) => {
      const { quotaExplain } = await import('./commands/quota.ts');
      finish(await quotaExplain(files, options));
    });

  shared(
    quota
      .command('release')
      .description(
        'Free what an object is charged for, without evidence that it is gone. If it is there all the same, ' +
          'it is counted again when it is next seen. Noted in the audit log of the ledger.',
      ),
  )
    .argument('<object>', 'uid, or resource/namespace/name as in pods/shop/web-0')
    .requiredOption('--reason <text>', 'why, for the audit log')
    .option('--cluster <name>', 'only in this cluster')
    .option('--by <name>', 'who, for the audit log (default: the user of this system)')
    .addHelpText(
      'after',
      '\nExample:\n  sallyport quota release pods/shop/web-0 --reason "node lost" --config gate.yaml\n',
    )
    .action(async (object: string, options: QuotaReleaseOptions) => {
      const { quotaRelease } = await import('./commands/quota.ts');
      finish(await quotaRelease(object, options));
    });

  shared(
    quota
      .command('recount')
      .description('Count all objects of the cluster of the kubeconfig anew, and mend what the ledger has wrong.'),
  )
    .addHelpText('after', '\nExample:\n  sallyport quota recount --config gate.yaml\n')
    .action(async (options: QuotaOptions) => {
      const { quotaRecount } = await import('./commands/quota.ts');
      finish(await quotaRecount(options));
    });

  quota
    .command('crd')
    .description('Print the definition of GlobalQuota, for kubectl apply -f - in the cluster that holds the objects.')
    .addHelpText('after', '\nExample:\n  sallyport quota crd | kubectl apply -f -\n')
    .action(async () => {
      const { quotaCrd } = await import('./commands/quota.ts');
      finish(quotaCrd());
    });

  addClusterCommands(quota, finish);
}

function addClusterCommands(quota: Command, finish: (code: ExitCode) => void): void {
  const clusters = quota.command('clusters').description('See and mend which clusters share the ledger.');

  shared(clusters.command('ls', { isDefault: true }).description('List the clusters that share the ledger.'))
    .addHelpText('after', '\nExample:\n  sallyport quota clusters --config gate.yaml\n')
    .action(async (options: QuotaOptions) => {
      const { quotaClusters } = await import('./commands/quota.ts');
      finish(await quotaClusters(options));
    });

  shared(
    clusters
      .command('rename')
      .description('Give a cluster another name; what it is charged for stays. Then change its gate’s configuration.'),
  )
    .argument('<name>', 'as it is')
    .argument('<new-name>', 'as it is to be')
    .option('--by <name>', 'who, for the audit log (default: the user of this system)')
    .addHelpText('after', '\nExample:\n  sallyport quota clusters rename eu-1 eu-west-1 --config gate.yaml\n')
    .action(async (name: string, newName: string, options: QuotaClusterOptions) => {
      const { quotaRenameCluster } = await import('./commands/quota.ts');
      finish(await quotaRenameCluster(name, newName, options));
    });

  shared(
    clusters
      .command('forget')
      .description(
        'Free all that a lost cluster is charged for. If it comes back, its objects are counted again. With the ' +
          'QuotaHubConfiguration of a hub: write off the slices that it holds.',
      ),
  )
    .argument('<name>', 'the cluster that is no more')
    .requiredOption('--reason <text>', 'why, for the audit log')
    .option('--by <name>', 'who, for the audit log (default: the user of this system)')
    .addHelpText(
      'after',
      '\nExample:\n  sallyport quota clusters forget eu-1 --reason "torn down" --config gate.yaml\n',
    )
    .action(async (name: string, options: QuotaForgetOptions) => {
      const { quotaForgetCluster } = await import('./commands/quota.ts');
      finish(await quotaForgetCluster(name, options));
    });
}

function shared(command: Command): Command {
  return command
    .requiredOption('-c, --config <file>', 'a GateConfiguration')
    .addOption(new Option('-o, --output <format>', 'how to print it').choices(['table', 'json']).default('table'));
}
