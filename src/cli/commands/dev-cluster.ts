import { DevSession, type DevSessionOptions } from '../../app/dev-session.ts';
import { watchFiles } from '../../sources/watch-files.ts';
import { SallyportError } from '../../errors.ts';
import { KubeClient, loadKubeconfig } from '../../kube/index.ts';
import { defaultExcludedNamespaces, Registrar } from '../../registrar/index.ts';
import { systemClock } from '../../telemetry/index.ts';
import { ControlPlane } from '../../testing/control-plane/index.ts';
import { exitCode, type ExitCode } from '../exit-code.ts';
import { untilInterrupted } from '../until-interrupted.ts';

/** Registers the webhooks in a local API server of its own, to be tried with kubectl; all of it ends with the command. */
export async function devCluster(options: Omit<DevSessionOptions, 'kubeconfig'>): Promise<ExitCode> {
  process.stderr.write('Starting a local API server…\n');
  const plane = await ControlPlane.start();
  const session = new DevSession({ ...options, kubeconfig: plane.kubeconfig });
  let client: KubeClient | undefined;
  let registrar: Registrar | undefined;
  try {
    client = new KubeClient(await loadKubeconfig([plane.kubeconfig]));
    await session.start();
    const made = (registrar = new Registrar({
      client,
      registry: session.registry,
      name: 'sallyport-dev',
      address: { url: session.url },
      ownNamespace: undefined,
      excludedNamespaces: defaultExcludedNamespaces(undefined),
      force: false,
      caBundle: () => session.certificates.confirmCaBundle(),
      log: options.log,
      clock: systemClock,
    }));
    await untilInterrupted(async (signal) => {
      await made.start(signal);
      process.stdout.write(`export KUBECONFIG=${plane.kubeconfig}\n`);
      process.stderr.write(
        `\n${session.registry.size} webhooks are registered. In another terminal, run the line above, then use kubectl; Ctrl-C ends.\n`,
      );
      let working = Promise.resolve();
      const reload = async (): Promise<void> => {
        try {
          await session.reload();
          made.setRegistry(session.registry);
          process.stderr.write(`Loaded ${session.registry.size} webhooks again.\n`);
        } catch (error) {
          if (!(error instanceof SallyportError)) throw error;
          process.stderr.write(`${error.message}\nWhat was registered last stays registered.\n`);
        }
      };
      const stop = await watchFiles(options.webhooks, () => {
        working = working.then(reload);
      });
      signal.addEventListener('abort', stop, { once: true });
    });
    return exitCode.done;
  } finally {
    await registrar?.stop();
    client?.close();
    await session.stop();
    await plane.stop();
  }
}
