import { DevSession, type DevReview } from '../../app/dev-session.ts';
import { watchFiles } from '../../sources/watch-files.ts';
import { SallyportError } from '../../errors.ts';
import { exitCode, type ExitCode } from '../exit-code.ts';
import type { DevOptions } from '../program.ts';
import { formatOutcomes } from '../outcome-report.ts';
import { terminalLogger } from '../terminal-logger.ts';
import { untilInterrupted } from '../until-interrupted.ts';

/** Reviews the manifests; unless `--once`, goes on serving and reviews again when a file changes. */
export async function dev(files: readonly string[], options: DevOptions): Promise<ExitCode> {
  const log = terminalLogger('warn');
  const manifests = files.length > 0 ? files : (options.manifests ?? []);
  const selection = { enable: options.enable, disable: options.disable };
  const { host, port, webhooks = ['webhooks'] } = options;
  if (options.cluster === true) {
    const { devCluster } = await import('./dev-cluster.ts');
    return devCluster({ webhooks, selection, manifests, host, port, log });
  }
  const session = new DevSession({ webhooks, selection, manifests, host, port, log });
  try {
    await session.start();
    const print = ({ reviews, problems }: DevReview): void => {
      process.stdout.write(formatOutcomes(reviews, problems, options.output === 'json' ? 'json' : 'diff'));
    };
    const first = await session.review();
    print(first);
    if (options.once === true) return codeOf(first);

    await untilInterrupted(async (signal) => {
      let working = Promise.resolve();
      const again = async (reload: boolean): Promise<void> => {
        try {
          if (reload) await session.reload();
          print(await session.review());
        } catch (error) {
          if (!(error instanceof SallyportError)) throw error;
          process.stderr.write(`${error.message}\nThe webhooks that loaded last go on serving.\n`);
        }
      };
      const watched = manifests.filter((path) => path !== '-');
      // What the listers find comes from the manifests: a change there is a reload too.
      const stop = await watchFiles([...webhooks, ...watched], () => {
        working = working.then(() => again(true));
      });
      signal.addEventListener('abort', stop, { once: true });
      process.stderr.write(
        `\nServing ${session.registry.size} webhooks on ${session.url}; watching for changes, Ctrl-C ends.\n`,
      );
    });
    return exitCode.done;
  } finally {
    await session.stop();
  }
}

function codeOf({ reviews, problems }: DevReview): ExitCode {
  if (problems.length > 0) return exitCode.fault;
  return reviews.some(({ outcome }) => !outcome.allowed) ? exitCode.refused : exitCode.done;
}
