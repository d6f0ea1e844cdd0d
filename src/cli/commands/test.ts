import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { AdmissionSuiteError, readAdmissionSuite, type AdmissionCase } from '../../testing/admission-suite.ts';
import { exitCode, type ExitCode } from '../exit-code.ts';
import { formatTrace } from '../outcome-report.ts';
import { terminalLogger } from '../terminal-logger.ts';
import { UsageError } from '../usage-error.ts';

export interface TestOptions {
  readonly output: 'text' | 'junit' | 'json';
}

interface CaseReport {
  readonly file: string;
  readonly line: number;
  readonly name: string;
  readonly seconds: number;
  readonly failures: readonly string[];
  /** What the chain did, for people; only of a failed case. */
  readonly trace: string | undefined;
}

/** Runs the suites below the paths. Ends with 1 when a case fails, with 2 when a suite cannot be read. */
export async function test(paths: readonly string[], { output }: TestOptions): Promise<ExitCode> {
  const files = (await Promise.all(paths.map(findSuites))).flat();
  if (files.length === 0) throw new UsageError(`no *.admission-test.yaml below ${paths.join(', ')}`);
  const log = terminalLogger('error');
  const reports: CaseReport[] = [];
  for (const file of files) for (const each of await readAdmissionSuite(file, { log })) reports.push(await run(each));
  const failed = reports.filter(({ failures }) => failures.length > 0);
  process.stdout.write(
    output === 'junit' ? junit(reports) : output === 'json' ? `${JSON.stringify({ cases: reports })}\n` : text(reports),
  );
  return failed.length === 0 ? exitCode.done : exitCode.refused;
}

async function findSuites(path: string): Promise<string[]> {
  const info = await stat(path).catch(() => {
    throw new UsageError(`${path}: there is no such file or folder`);
  });
  if (info.isFile()) return [path];
  const names = await readdir(path, { recursive: true });
  return names
    .filter((name) => name.endsWith('.admission-test.yaml') && !name.includes('node_modules'))
    .sort()
    .map((name) => join(path, name));
}

async function run(each: AdmissionCase): Promise<CaseReport> {
  const { file, line, name } = each;
  const start = performance.now();
  try {
    const { failures, reviewed } = await each.run();
    const seconds = (performance.now() - start) / 1000;
    return { file, line, name, seconds, failures, trace: failures.length === 0 ? undefined : formatTrace(reviewed) };
  } catch (error) {
    if (!(error instanceof AdmissionSuiteError)) throw error;
    throw new AdmissionSuiteError(`${file}:${line}: ${name}: ${error.message}`, { cause: error });
  }
}

function text(reports: readonly CaseReport[]): string {
  const lines: string[] = [];
  for (const { file, line, name, failures, trace } of reports) {
    lines.push(
      `${failures.length === 0 ? styleText('green', 'pass') : styleText('red', 'FAIL')} ${name} ${styleText('dim', `${file}:${line}`)}`,
    );
    for (const failure of failures) lines.push(`     ${failure}`);
    if (trace !== undefined) lines.push(...trace.split('\n').map((each) => `     ${each}`));
  }
  const failed = reports.filter(({ failures }) => failures.length > 0).length;
  lines.push('', `${reports.length - failed} passed, ${failed} failed`);
  return `${lines.join('\n')}\n`;
}

/** The XML that CI systems read. */
function junit(reports: readonly CaseReport[]): string {
  const suites = Map.groupBy(reports, ({ file }) => file);
  const failuresOf = (cases: readonly CaseReport[]): number =>
    cases.filter(({ failures }) => failures.length > 0).length;
  const body = [...suites].map(([file, cases]) => {
    const rows = cases.map(({ name, seconds, failures }) => {
      const attributes = `name="${escapeXml(name)}" classname="${escapeXml(file)}" time="${seconds.toFixed(3)}"`;
      if (failures.length === 0) return `    <testcase ${attributes}/>`;
      const message = escapeXml(failures.join('; '));
      return `    <testcase ${attributes}>\n      <failure message="${message}">${escapeXml(failures.join('\n'))}</failure>\n    </testcase>`;
    });
    const head = `name="${escapeXml(file)}" tests="${cases.length}" failures="${failuresOf(cases)}"`;
    return `  <testsuite ${head}>\n${rows.join('\n')}\n  </testsuite>`;
  });
  const head = `tests="${reports.length}" failures="${failuresOf(reports)}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${head}>\n${body.join('\n')}\n</testsuites>\n`;
}

function escapeXml(text: string): string {
  return (
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      // eslint-disable-next-line no-control-regex -- XML 1.0 has no way to write these
      .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '\ufffd')
  );
}
