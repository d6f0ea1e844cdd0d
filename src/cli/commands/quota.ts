import { userInfo } from 'node:os';
import { stringify } from 'yaml';
import { readGateConfiguration } from '../../app/gate-configuration.ts';
import { clusterName } from '../../app/quota-configuration.ts';
import { QuotaDesk, type NamedStanding } from '../../app/quota-desk.ts';
import { isQuotaHubConfiguration, readQuotaHubConfiguration } from '../../app/quota-hub-configuration.ts';
import { QuotaHubDesk } from '../../app/quota-hub-desk.ts';
import { globalQuotaDefinition } from '../../quota/index.ts';
import { readManifestFiles } from '../../sources/manifest-files.ts';
import { exitCode, type ExitCode } from '../exit-code.ts';
import {
  chargeRows,
  explanationRows,
  sharesJson,
  sharesLines,
  standingJson,
  standingLines,
  standingRows,
} from '../quota-report.ts';
import type { QuotaClusterOptions, QuotaForgetOptions, QuotaOptions, QuotaReleaseOptions } from '../quota-program.ts';
import { table, type Row } from '../table.ts';
import { terminalLogger } from '../terminal-logger.ts';
import { UsageError } from '../usage-error.ts';

export async function quotaLs(options: QuotaOptions): Promise<ExitCode> {
  return atDesk(options, async (desk) => {
    const standings = await desk.standings();
    print(options, standings.map(standingJson), standingRows(standings));
    return exitCode.done;
  });
}

export async function quotaShow(name: string, options: QuotaOptions): Promise<ExitCode> {
  if (await isQuotaHubConfiguration(options.config)) return showShares(name, options);
  return atDesk(options, async (desk) => {
    const standing = await known(desk, name);
    if (options.output === 'json') print(options, standingJson(standing), []);
    else process.stdout.write(standingLines(standing));
    return exitCode.done;
  });
}

export async function quotaWho(name: string, options: QuotaOptions): Promise<ExitCode> {
  return atDesk(options, async (desk) => {
    const standing = await known(desk, name);
    const { json, rows } = chargeRows(standing, await desk.users(standing.terms.id));
    print(options, json, rows);
    return exitCode.done;
  });
}

/** Refused when something does not fit. */
export async function quotaExplain(files: readonly string[], options: QuotaOptions): Promise<ExitCode> {
  const { manifests, problems } = await readManifestFiles(files);
  const [problem] = problems;
  if (problem !== undefined) throw new UsageError(`${problem.file}:${problem.line}: ${problem.message}`);
  return atDesk(options, async (desk) => {
    const explained = await desk.explain(manifests, AbortSignal.timeout(readTimeoutMilliseconds));
    const { json, rows } = explanationRows(explained);
    print(options, json, rows);
    return explained.every(({ allowed }) => allowed) ? exitCode.done : exitCode.refused;
  });
}

/** Refused when nothing was charged. */
export async function quotaRelease(object: string, options: QuotaReleaseOptions): Promise<ExitCode> {
  return atDesk(options, async (desk) => {
    const cluster = options.cluster === undefined ? undefined : await clusterNamed(desk, options.cluster);
    const charges = await desk.chargesOf(object, cluster);
    const released = await desk.release(charges, options.by ?? userInfo().username, options.reason);
    print(options, { released }, [], `released ${plural(released, 'charge')} of ${object}\n`);
    return released > 0 ? exitCode.done : exitCode.refused;
  });
}

export async function quotaRecount(options: QuotaOptions): Promise<ExitCode> {
  return atDesk(options, async (desk) => {
    const result = await desk.recount(AbortSignal.timeout(recountMilliseconds));
    const { gone, discovered, changed, confirmed, released, uncountable } = result;
    const text =
      `${gone} charged and gone, ${discovered} there and not charged, ${changed} charged for something else, ` +
      `${confirmed} reserved and found, ${released} reserved and never stored: mended\n` +
      (uncountable > 0 ? `${uncountable} that cannot be counted: left as they were\n` : '');
    print(options, result, [], text);
    return exitCode.done;
  });
}

export async function quotaClusters(options: QuotaOptions): Promise<ExitCode> {
  return atDesk(options, async (desk) => {
    const clusters = await desk.clusters();
    const rows = clusters.map(({ name, id }): Row => [name, id]);
    print(options, clusters, [['CLUSTER', 'ID'], ...rows]);
    return exitCode.done;
  });
}

export async function quotaRenameCluster(
  name: string,
  newName: string,
  options: QuotaClusterOptions,
): Promise<ExitCode> {
  const problem = clusterName.safeParse(newName).error?.issues[0]?.message;
  if (problem !== undefined) throw new UsageError(`${newName}: ${problem}`);
  return atDesk(options, async (desk) => {
    await desk.renameCluster(await clusterNamed(desk, name), newName, options.by ?? userInfo().username);
    print(options, { renamed: newName }, [], `cluster ${name} is ${newName} from now on\n`);
    return exitCode.done;
  });
}

export async function quotaForgetCluster(name: string, options: QuotaForgetOptions): Promise<ExitCode> {
  if (await isQuotaHubConfiguration(options.config)) return forgetMember(name, options);
  return atDesk(options, async (desk) => {
    const id = await clusterNamed(desk, name);
    const released = await desk.forgetCluster(id, options.by ?? userInfo().username, options.reason);
    print(options, { released }, [], `forgot cluster ${name} and released ${plural(released, 'charge')}\n`);
    return exitCode.done;
  });
}

async function forgetMember(name: string, options: QuotaForgetOptions): Promise<ExitCode> {
  return atHubDesk(options, async (desk) => {
    await desk.forgetCluster(await clusterNamed(desk, name), options.by ?? userInfo().username, options.reason);
    print(options, { forgotten: name }, [], `forgot cluster ${name} and wrote off what it held\n`);
    return exitCode.done;
  });
}

async function showShares(name: string, options: QuotaOptions): Promise<ExitCode> {
  return atHubDesk(options, async (desk) => {
    const shares = (await desk.shares()).find((each) => each.name === name);
    if (shares === undefined) throw new UsageError(`the hub knows no quota "${name}"`);
    print(options, sharesJson(shares), [], sharesLines(shares));
    return exitCode.done;
  });
}

export function quotaCrd(): ExitCode {
  process.stdout.write(stringify(globalQuotaDefinition(), { lineWidth: 0, aliasDuplicateObjects: false }));
  return exitCode.done;
}

/** A cluster that does not answer is given up. */
const readTimeoutMilliseconds = 30_000;
/** Large clusters have hundreds of thousands of objects. */
const recountMilliseconds = 900_000;

async function atDesk({ config }: QuotaOptions, work: (desk: QuotaDesk) => Promise<ExitCode>): Promise<ExitCode> {
  const desk = await QuotaDesk.open(await readGateConfiguration(config), terminalLogger('error'));
  try {
    return await work(desk);
  } finally {
    await desk.close();
  }
}

async function atHubDesk({ config }: QuotaOptions, work: (desk: QuotaHubDesk) => Promise<ExitCode>): Promise<ExitCode> {
  const desk = await QuotaHubDesk.open(await readQuotaHubConfiguration(config), terminalLogger('error'));
  try {
    return await work(desk);
  } finally {
    await desk.close();
  }
}

async function known(desk: QuotaDesk, name: string): Promise<NamedStanding> {
  const standing = await desk.standing(name);
  if (standing !== undefined) return standing;
  const names = (await desk.standings()).map(({ terms }) => terms.name);
  throw new UsageError(`the ledger knows no quota "${name}"; it knows ${names.join(', ') || 'none'}`);
}

async function clusterNamed(desk: Pick<QuotaDesk, 'clusters'>, name: string): Promise<string> {
  const clusters = await desk.clusters();
  const found = clusters.find((cluster) => cluster.name === name);
  if (found !== undefined) return found.id;
  const names = clusters.map((cluster) => cluster.name).join(', ');
  throw new UsageError(`the ledger knows no cluster "${name}"; it knows ${names || 'none'}`);
}

function print(options: QuotaOptions, json: unknown, rows: readonly Row[], text = table(rows)): void {
  process.stdout.write(options.output === 'json' ? `${JSON.stringify(json, undefined, 2)}\n` : text);
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
