import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../telemetry/index.ts';
import { prometheusMetrics } from '../telemetry/prometheus-metrics.ts';
import type { GateConfiguration } from './gate-configuration.ts';
import { InvalidConfigurationError } from './errors.ts';
import { openServiceLogs, type ServiceLogs } from './service-logs.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-logs-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const metrics = prometheusMetrics;
const open = (decisionLog: GateConfiguration['decisionLog'], figures = metrics()): Promise<ServiceLogs> =>
  openServiceLogs({ log: { level: 'error', requests: 'Sampled' }, decisionLog }, figures, systemClock);

describe('openServiceLogs()', () => {
  it('keeps no record of decisions unless it is asked to', async () => {
    const logs = await open(undefined);
    expect(logs.decisions).toBeUndefined();
    await logs.close();
  });

  it('writes decisions into a file, all of them before it is closed', async () => {
    const path = join(folder, 'decisions.jsonl');
    const logs = await open({ to: 'File', path, maxFileMegabytes: 1, maxFiles: 2 });
    for (let index = 0; index < 1000; index += 1) logs.decisions?.write(`{"n":${index}}`);
    await logs.close();
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(1001);
  });

  it('hands decisions to the sink of a module', async () => {
    const [module, output] = [join(folder, 'sink.ts'), join(folder, 'out')];
    writeFileSync(
      module,
      `import { writeFileSync } from 'node:fs';
const lines: string[] = [];
export const auditSink = {
  write: (line: string): void => void lines.push(line),
  close: async (): Promise<void> => writeFileSync(${JSON.stringify(output)}, lines.join()),
};
`,
    );
    const logs = await open({ to: 'Module', path: module });
    logs.decisions?.write('a');
    logs.decisions?.write('b');
    await logs.close();
    expect(readFileSync(output, 'utf8')).toBe('a,b');
  });

  it('lets no failure of such a sink through, and counts its lines', async () => {
    const module = join(folder, 'sink.js');
    writeFileSync(
      module,
      `export const auditSink = { write() { throw new Error('down'); }, close: () => Promise.reject(new Error('down')) };\n`,
    );
    const figures = metrics();
    const logs = await open({ to: 'Module', path: module }, figures);
    logs.decisions?.write('a');
    logs.decisions?.write('b');
    await logs.close();
    expect((await figures.read()).text).toContain('sallyport_log_lines_dropped_total{log="decisions"} 2');
  });

  it.each([
    ['is not there', undefined, 'does not load'],
    ['exports nothing', 'export const other = 1;\n', 'exports no sink; expected an export "auditSink"'],
    ['has no close()', 'export const auditSink = { write() {} };\n', 'exports no sink'],
  ])('refuses a module that %s', async (_name, source, problem) => {
    const path = join(folder, 'sink.js');
    if (source !== undefined) writeFileSync(path, source);
    await expect(open({ to: 'Module', path })).rejects.toThrow(InvalidConfigurationError);
    await expect(open({ to: 'Module', path })).rejects.toThrow(problem);
  });
});
