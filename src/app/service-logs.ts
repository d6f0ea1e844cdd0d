import { pathToFileURL } from 'node:url';
import {
  LineWriter,
  RotatingFile,
  StandardOutput,
  type AuditSink,
  type Clock,
  type Logger,
  type Metrics,
} from '../telemetry/index.ts';
import { pinoLogger } from '../telemetry/pino-logger.ts';
import { InvalidConfigurationError } from './errors.ts';
import type { GateConfiguration } from './gate-configuration.ts';

/** The log of a process and its record of decisions. Neither ever makes a request wait. */
export interface ServiceLogs {
  readonly log: Logger;
  readonly decisions: AuditSink | undefined;
  /** Writes what waits; nothing is taken after it. */
  close(): Promise<void>;
}

/**
 * Opens the logs that the GateConfiguration asks for. Lines that had to be dropped are counted.
 * Throws {@link InvalidConfigurationError} for a module that has no sink.
 */
export async function openServiceLogs(
  configuration: Pick<GateConfiguration, 'log' | 'decisionLog'>,
  metrics: Metrics,
  clock: Clock,
): Promise<ServiceLogs> {
  const dropped = metrics.counter({
    name: 'sallyport_log_lines_dropped_total',
    help: 'Lines that were lost because what takes them did not keep up: of the log (service), of the decision log (decisions).',
    labels: ['log'],
  });
  const output = new LineWriter({
    target: new StandardOutput(),
    clock,
    onDrop: () => dropped.increment({ log: 'service' }),
  });
  // A process that dies of an exception says its last words too.
  const lastWords = (): void => {
    try {
      output.flushSync();
    } catch {
      // Nobody is there to take them.
    }
  };
  process.on('exit', lastWords);
  const log = pinoLogger({ level: configuration.log.level, sink: output });
  const decisions = await openDecisionLog(configuration.decisionLog, output, {
    log,
    clock,
    onDrop: () => dropped.increment({ log: 'decisions' }),
  });
  return {
    log,
    decisions,
    async close() {
      await decisions?.close();
      await output.close();
      process.off('exit', lastWords);
    },
  };
}

interface DecisionLogContext {
  readonly log: Logger;
  readonly clock: Clock;
  readonly onDrop: () => void;
}

async function openDecisionLog(
  decisionLog: GateConfiguration['decisionLog'],
  output: LineWriter,
  { log, clock, onDrop }: DecisionLogContext,
): Promise<AuditSink | undefined> {
  switch (decisionLog?.to) {
    case undefined:
      return undefined;
    case 'Stdout':
      return { write: (line) => output.write(line), close: () => Promise.resolve() };
    case 'File': {
      const { path, maxFileMegabytes, maxFiles } = decisionLog;
      return new LineWriter({
        target: new RotatingFile({ path, maxFiles, maxBytes: maxFileMegabytes * 1_000_000 }),
        clock,
        onDrop,
        onProblem: (error) => {
          if (error === undefined) log.info('the decision log is written again', { path });
          else log.error('the decision log cannot be written; its lines wait in memory', { path, error });
        },
      });
    }
    case 'Module':
      return guarded(await importSink(decisionLog.path), log, onDrop);
  }
}

async function importSink(path: string): Promise<AuditSink> {
  let exported: { readonly auditSink?: Partial<AuditSink> };
  try {
    exported = (await import(pathToFileURL(path).href)) as typeof exported;
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : 'it threw something that is no Error';
    throw new InvalidConfigurationError(`decisionLog.path: ${path} does not load: ${problem}`, { cause });
  }
  const { auditSink } = exported;
  if (typeof auditSink?.write !== 'function' || typeof auditSink.close !== 'function') {
    throw new InvalidConfigurationError(
      `decisionLog.path: ${path} exports no sink; expected an export "auditSink" with write(line) and close()`,
    );
  }
  // Both of its functions were looked at just now.
  return auditSink as AuditSink;
}

/** How long a sink of somebody else may take for its end. */
const closeMilliseconds = 3000;

/** What a sink of somebody else throws is told, once for each run of failures, and goes no further. */
function guarded(sink: AuditSink, log: Logger, onDrop: () => void): AuditSink {
  let isFailing = false;
  const fail = (error: unknown): void => {
    if (!isFailing) log.error('the audit sink failed', { error: error instanceof Error ? error : undefined });
    isFailing = true;
  };
  return {
    write(line) {
      try {
        sink.write(line);
        isFailing = false;
      } catch (error) {
        onDrop();
        fail(error);
      }
    },
    async close() {
      const { promise: tooLong, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, closeMilliseconds);
      try {
        await Promise.race([sink.close(), tooLong]);
      } catch (error) {
        fail(error);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
