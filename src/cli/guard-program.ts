import { InvalidArgumentError, Option, type Command } from 'commander';
import type { ExitCode } from './exit-code.ts';

export interface GuardOptions {
  readonly namespace?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly output: 'table' | 'json';
}

export interface GuardListOptions extends GuardOptions {
  readonly allNamespaces?: boolean;
  readonly all?: boolean;
}

export interface GuardRequestOptions extends GuardOptions {
  /** Seconds. */
  readonly timeout: number;
}

export interface GuardBypassOptions extends GuardOptions {
  readonly reason: string;
}

export interface GuardExplainOptions extends GuardOptions {
  readonly config?: string;
  readonly eviction?: boolean;
  readonly as?: string;
  readonly asGroup?: readonly string[];
}

/** Adds `sallyport guard …`, for people and for scripts; all of it works with the rights of who calls it. */
export function addGuardCommands(program: Command, finish: (code: ExitCode) => void): void {
  const guard = program
    .command('guard')
    .description('See and steer which Pods are held until their clean-up is done.')
    .addHelpText('after', '\nExample:\n  sallyport guard ls --all-namespaces\n');

  common(guard.command('ls'))
    .description('List the Pods that are leaving, held or released.')
    .option('-A, --all-namespaces', 'of every namespace')
    .option('--all', 'guarded Pods that nobody has asked to leave too')
    .addHelpText('after', '\nExample:\n  sallyport guard ls -n shop -o json\n')
    .action(async (options: GuardListOptions) => {
      const { guardList } = await import('./commands/guard.ts');
      finish(await guardList(options));
    });

  common(guard.command('show'))
    .description('Show one Pod: its hold, since when, until when, who asked, and what to do.')
    .argument('<pod>', 'name, or namespace/name')
    .addHelpText('after', '\nExample:\n  sallyport guard show -n shop db-0\n')
    .action(async (pod: string, options: GuardOptions) => {
      const { guardShow } = await import('./commands/guard.ts');
      finish(await guardShow(pod, options));
    });

  requestCommand('release', 'Let a held Pod go without waiting for its clean-up.');
  requestCommand('abort', 'Call a hold off: the clean-up is undone and the Pod stays.');
  function requestCommand(kind: 'release' | 'abort', description: string): void {
    common(guard.command(kind))
      .description(description)
      .argument('<pod>', 'name, or namespace/name')
      .option('--timeout <seconds>', 'how long to wait until the gate has done it; 0 does not wait', parseSeconds, 30)
      .addHelpText('after', `\nExample:\n  sallyport guard ${kind} -n shop db-0\n`)
      .action(async (pod: string, options: GuardRequestOptions) => {
        const { guardRequest } = await import('./commands/guard.ts');
        finish(await guardRequest(kind, pod, options));
      });
  }

  common(guard.command('bypass'))
    .description('Let a Pod go whatever the guard says, also while no gate answers: break-glass.')
    .argument('<pod>', 'name, or namespace/name')
    .requiredOption('--reason <text>', 'why; kept on the Pod and in the audit log')
    .addHelpText('after', '\nExample:\n  sallyport guard bypass -n shop db-0 --reason "disk is gone, INC-42"\n')
    .action(async (pod: string, options: GuardBypassOptions) => {
      const { guardBypass } = await import('./commands/guard.ts');
      finish(await guardBypass(pod, options));
    });

  common(guard.command('explain'))
    .description('Say step by step what the guard makes of a request to remove a Pod now. Nothing is started.')
    .argument('<pod>', 'name, or namespace/name')
    .option('-c, --config <file>', 'a GateConfiguration, for guards in its webhook files')
    .option('--eviction', 'as an eviction, such as kubectl drain makes, instead of a DELETE')
    .option('--as <user>', 'as this user asks (default: somebody who is no part of the cluster)')
    .option(
      '--as-group <group>',
      'a group of that user; may be repeated',
      (value: string, former: readonly string[] = []) => [...former, value],
    )
    .addHelpText('after', '\nExample:\n  sallyport guard explain -n shop db-0 --eviction\n')
    .action(async (pod: string, options: GuardExplainOptions) => {
      const { guardExplain } = await import('./commands/guard.ts');
      finish(await guardExplain(pod, options));
    });
}

function common(command: Command): Command {
  return command
    .option('-n, --namespace <namespace>', 'default: that of the kubeconfig')
    .option('--kubeconfig <file>', 'default: KUBECONFIG, or ~/.kube/config')
    .option('--context <name>', 'default: the current one')
    .addOption(new Option('-o, --output <format>', 'how to print it').choices(['table', 'json']).default('table'));
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!/^\d+$/.test(text) || seconds > 3600) throw new InvalidArgumentError(`"${text}" is not a number of seconds`);
  return seconds;
}
