import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { SallyportError } from '../errors.ts';
import type { ReviewOptions } from './commands/review.ts';
import type { TestOptions } from './commands/test.ts';
import { exitCode, type ExitCode } from './exit-code.ts';
import { addGuardCommands } from './guard-program.ts';
import { notSimulatedText } from './not-simulated.ts';
import { addQuotaCommands } from './quota-program.ts';
import type { ReviewInput } from './review-input.ts';

/**
 * Runs one command line (without `node` and the script) and resolves with its exit code: 0 done, 1 something was refused,
 * 2 wrong use or a fault, told on stderr. Commands are loaded when they are called.
 */
export async function run(args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = exitCode.done;
  const program = buildProgram((result) => {
    code = result;
  });
  // What a command waits for may keep no process alive: a repetition's timer, a stopped watch. The process stays until
  // the command itself is done.
  const alive = setInterval(() => undefined, maxTimerMilliseconds);
  // Whoever reads no further, as `head` does, has what it wants.
  process.stdout.on('error', (error: Error) => {
    if (!('code' in error) || error.code !== 'EPIPE') throw error;
    process.exit(exitCode.done);
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.done : exitCode.fault;
    process.stderr.write(`${describe(error)}\n`);
    return exitCode.fault;
  } finally {
    clearInterval(alive);
  }
}

/** Node takes no longer delay: it is kept in 32 bits with a sign. */
const maxTimerMilliseconds = 2 ** 31 - 1;

/** Our own errors say what to do; anything else is a bug of ours, and its stack helps to mend it. */
function describe(error: unknown): string {
  if (error instanceof SallyportError) return `sallyport: ${error.message} [${error.code}]`;
  return `sallyport: internal fault: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

function buildProgram(finish: (code: ExitCode) => void): Command {
  const program = new Command('sallyport')
    .description('Kubernetes admission control: webhooks in TypeScript that serve and register themselves.')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('Run with --help to see the options.');

  program
    .command('dev')
    .description('Serve webhooks on loopback and review manifests with them, again whenever a file changes.')
    .argument('[files...]', 'manifests to review: files, folders, or - for standard input')
    .option('-w, --webhooks <path>', 'file or folder of webhooks; may be repeated (default: webhooks)', collect)
    .option('-m, --manifests <path>', 'manifests to review when no file is named; may be repeated', collect)
    .addOption(enableOption())
    .addOption(disableOption())
    .option('--host <host>', 'loopback address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 takes a free one', parsePort, 0)
    .option('--once', 'end after the first review')
    .option('--cluster', 'start a local API server, register there, and print how to use kubectl against it')
    .addOption(
      new Option('-o, --output <format>', 'how to print the review').choices(['table', 'json']).default('table'),
    )
    .addHelpText('after', '\nExample:\n  sallyport dev --webhooks webhooks/ --once manifests/deployment.yaml\n')
    .action(async (files: string[], options: DevOptions) => {
      const { dev } = await import('./commands/dev.ts');
      finish(await dev(files, options));
    });

  program
    .command('serve')
    .description('Serve webhooks and keep them registered in the API server.')
    .requiredOption('-c, --config <file>', 'a GateConfiguration')
    .option('--no-register', 'serve only: configurations are written by somebody else')
    .addHelpText('after', '\nExample:\n  sallyport serve --config gate.yaml\n')
    .action(async (options: ServeOptions) => {
      const { serve } = await import('./commands/serve.ts');
      finish(await serve(options));
    });

  chainOptions(
    program
      .command('review')
      .description(
        `Say what the API server's admission would make of each manifest, without a cluster. ${notSimulatedText}`,
      ),
  )
    .addOption(
      new Option('-o, --output <format>', 'how to print it')
        .choices(['table', 'diff', 'yaml', 'json'])
        .default('table'),
    )
    .addHelpText('after', '\nExample:\n  sallyport review -f manifests/ --webhooks webhooks/ -o diff\n')
    .action(async (options: ReviewOptions) => {
      const { review } = await import('./commands/review.ts');
      finish(await review(options));
    });

  chainOptions(
    program
      .command('explain')
      .description(
        `Print every step of admission for each manifest: who was asked, who was not, and why. ${notSimulatedText}`,
      ),
  )
    .addHelpText('after', '\nExample:\n  sallyport explain -f pod.yaml --webhooks webhooks/\n')
    .action(async (options: ReviewInput) => {
      const { explain } = await import('./commands/explain.ts');
      finish(await explain(options));
    });

  program
    .command('test')
    .description(`Run suites of admission tests, *.admission-test.yaml. ${notSimulatedText}`)
    .argument('[paths...]', 'suites, or folders that hold them', ['.'])
    .addOption(new Option('-o, --output <format>', 'how to report').choices(['text', 'junit', 'json']).default('text'))
    .addHelpText('after', '\nExample:\n  sallyport test tests/ -o junit\n')
    .action(async (paths: string[], options: TestOptions) => {
      const { test } = await import('./commands/test.ts');
      finish(await test(paths, options));
    });

  program
    .command('manifests')
    .description('Print what runs a gate, or a hub of quotas, in a cluster, for kubectl apply -f -.')
    .requiredOption('-c, --config <file>', 'a GateConfiguration, or a QuotaHubConfiguration')
    .requiredOption('--image <image>', 'container image that holds sallyport and the webhooks')
    .option('--ca-bundle <file>', 'print the webhook configurations too, trusting this PEM file')
    .option('--service-monitor', 'print a ServiceMonitor of the Prometheus operator too')
    .option('--pre-delete-job', 'print only the Job that unregisters; Helm runs it before it deletes the rest')
    .addHelpText(
      'after',
      '\nExample:\n  sallyport manifests --config gate.yaml --image registry.example.com/gate:1 | kubectl apply -f -\n',
    )
    .action(async (options: ManifestsOptions) => {
      const { manifests } = await import('./commands/manifests.ts');
      finish(await manifests(options));
    });

  program
    .command('register')
    .description('Write the webhook configurations into the API server, once or for as long as it runs.')
    .requiredOption('-c, --config <file>', 'a GateConfiguration')
    .option(
      '--watch',
      'keep them right, and the certificate authority rotated, for gates that serve with --no-register',
    )
    .option('--ca-bundle <file>', 'PEM file that the API server is to trust; default: what the certificates say')
    .option('--force', 'register webhooks that could lock the cluster out')
    .option('--timeout <seconds>', 'without --watch: give up after so long', parseSeconds, 60)
    .addHelpText('after', '\nExample:\n  sallyport register --config gate.yaml --ca-bundle ca.crt\n')
    .action(async (options: RegisterOptions) => {
      const { register } = await import('./commands/register.ts');
      finish(await register(options));
    });

  program
    .command('rescue')
    .description(
      'Let requests pass that the gate does not answer: set our webhooks to failurePolicy Ignore, and have every replica keep to it.',
    )
    .option('-c, --config <file>', 'a GateConfiguration, for its registration name')
    .option('--name <name>', 'the registration name, where there is no file')
    .option('--undo', 'give them back the failurePolicy that they had')
    .addOption(new Option('-o, --output <format>', 'how to print it').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      '\nExample:\n  sallyport rescue --name sallyport\n  sallyport rescue --undo --name sallyport\n',
    )
    .action(async (options: RescueOptions) => {
      const { rescue } = await import('./commands/rescue.ts');
      finish(await rescue(options));
    });

  program
    .command('unregister')
    .description('Remove the webhook configurations from the API server.')
    .option('-c, --config <file>', 'a GateConfiguration, for its registration name')
    .option('--name <name>', 'the registration name, where there is no file')
    .addHelpText('after', '\nExample:\n  sallyport unregister --name sallyport\n')
    .action(async (options: UnregisterOptions) => {
      const { unregister } = await import('./commands/unregister.ts');
      finish(await unregister(options));
    });

  const certs = program.command('certs').description('See and renew the certificates of the gate.');
  const ofGate = (command: Command): Command =>
    command
      .requiredOption('-c, --config <file>', 'the GateConfiguration')
      .addOption(new Option('-o, --output <format>', 'how to print it').choices(['table', 'json']).default('table'));
  ofGate(
    certs
      .command('status')
      .description('Show which certificates there are, until when, and whether the API server accepts them.'),
  )
    .addHelpText('after', '\nExample:\n  sallyport certs status --config gate.yaml\n')
    .action(async (options: CertsOptions) => {
      const { certsStatus } = await import('./commands/certs.ts');
      finish(await certsStatus(options));
    });
  ofGate(
    certs
      .command('rotate')
      .description(
        'Begin to replace the certificate authority of mode SelfManaged now. The running replicas take it from there: they publish the new one beside the old one, move their certificates, and drop the old one when nothing signed by it is left.',
      ),
  )
    .addHelpText('after', '\nExample:\n  sallyport certs rotate --config gate.yaml\n')
    .action(async (options: CertsOptions) => {
      const { certsRotate } = await import('./commands/certs.ts');
      finish(await certsRotate(options));
    });

  addGuardCommands(program, finish);
  addQuotaCommands(program, finish);

  program
    .command('version')
    .description('Print the versions of sallyport and of Node.')
    .addOption(new Option('-o, --output <format>', 'how to print it').choices(['text', 'json']).default('text'))
    .addHelpText('after', '\nExample:\n  sallyport version -o json\n')
    .action(async (options: VersionOptions) => {
      const { version } = await import('./commands/version.ts');
      finish(await version(options));
    });

  return program;
}

export interface DevOptions {
  readonly webhooks?: readonly string[];
  readonly manifests?: readonly string[];
  readonly enable?: readonly string[];
  readonly disable?: readonly string[];
  readonly host: string;
  readonly port: number;
  readonly once?: boolean;
  readonly cluster?: boolean;
  readonly output: 'table' | 'json';
}

export interface ServeOptions {
  readonly config: string;
  readonly register: boolean;
}

export interface ManifestsOptions {
  readonly config: string;
  readonly image: string;
  readonly caBundle?: string;
  readonly serviceMonitor?: boolean;
  readonly preDeleteJob?: boolean;
}

export interface RegisterOptions {
  readonly config: string;
  readonly caBundle?: string;
  readonly force?: boolean;
  readonly watch?: boolean;
  readonly timeout: number;
}

export interface RescueOptions {
  readonly config?: string;
  readonly name?: string;
  readonly undo?: boolean;
  readonly output: 'text' | 'json';
}

export interface UnregisterOptions {
  readonly config?: string;
  readonly name?: string;
}

export interface CertsOptions {
  readonly config: string;
  readonly output: 'table' | 'json';
}

export interface VersionOptions {
  readonly output: 'text' | 'json';
}

/** What `review` and `explain` have in common. */
function chainOptions(command: Command): Command {
  return command
    .requiredOption(
      '-f, --filename <path>',
      'manifests: a file, a folder, or - for standard input; may be repeated',
      collect,
    )
    .option(
      '-w, --webhooks <path>',
      'webhooks to call: our own (.ts, .js) in this process, configurations (YAML) where they point; may be repeated',
      collect,
    )
    .option('--state <path>', 'objects of the cluster: namespaces, quotas, classes, …; may be repeated', collect)
    .option('--from-cluster', 'read the state from the cluster of the kubeconfig; nothing is written')
    .addOption(
      new Option(
        '--operation <operation>',
        'what is done with the object (default: CREATE, with --old UPDATE)',
      ).choices(['CREATE', 'UPDATE', 'DELETE', 'CONNECT']),
    )
    .option('--old <file>', 'the object as it is stored')
    .option('--subresource <name>', 'such as status, scale or eviction')
    .option('--resource <name>', 'the resource, where it does not follow from the kind: deployments.apps/v1')
    .option('--user <name>', 'who asks (default: kubernetes-admin in system:masters)')
    .option('--group <name>', 'a group of the user; may be repeated', collect)
    .option('--dry-run', 'ask as with dryRun=All')
    .option('--enable-admission-plugins <names>', "as kube-apiserver's, separated by commas")
    .option('--disable-admission-plugins <names>', "as kube-apiserver's, separated by commas");
}

function enableOption(): Option {
  return new Option('--enable <name>', 'only this webhook, by name or path; may be repeated').argParser(collect);
}

function disableOption(): Option {
  return new Option('--disable <name>', 'not this webhook, by name or path; may be repeated').argParser(collect);
}

/** Options that may be repeated take one value each, so that they never swallow the files that follow. */
function collect(value: string, former: readonly string[] = []): readonly string[] {
  return [...former, value];
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!/^\d+$/.test(text) || seconds < 1 || seconds > 86_400) {
    throw new InvalidArgumentError(`"${text}" is not a number of seconds from 1 to 86400`);
  }
  return seconds;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) {
    throw new InvalidArgumentError(`"${text}" is not a port from 0 to 65535`);
  }
  return port;
}
