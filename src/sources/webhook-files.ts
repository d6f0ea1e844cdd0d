import { readdir, stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isWebhookDefinition, type WebhookDefinition } from '../admission/index.ts';
import { SallyportError } from '../errors.ts';
import { isGuardDefinition, type GuardDefinition } from '../guard/definition.ts';
import { WebhookFileError } from './errors.ts';

const modulePattern = /\.(?:ts|js|mts|mjs)$/;
const notModulePattern = /\.(?:test|spec|d)\.\w+$/;

export interface LoadOptions {
  /** A file that has not loaded by then is given up: an `await` at its top level may never end. Default 30,000. */
  readonly timeoutMilliseconds?: number;
}

const defaultLoadTimeoutMilliseconds = 30_000;

/** What the files of users define. */
export interface Definitions {
  readonly webhooks: readonly WebhookDefinition[];
  readonly guards: readonly GuardDefinition[];
}

/**
 * Finds the webhooks of a folder, or of one file: a file registers its webhooks by exporting them. Tests, declarations
 * and files or folders whose name begins with `.` or `_` are passed over; subfolders are read too.
 *
 * Throws {@link WebhookFileError} naming file and line when a file does not load, or not in time, when one exports
 * nothing of ours, and when there is no such folder or nothing in it. Definitions that are wrong throw what
 * `defineMutator` throws.
 */
export async function loadWebhooks(path: string, options: LoadOptions = {}): Promise<WebhookDefinition[]> {
  return [...(await loadDefinitions(path, options)).webhooks];
}

/** The deletion guards of files or folders, each registered by being exported too. Throws as {@link loadWebhooks}. */
export async function loadGuards(paths: readonly string[]): Promise<GuardDefinition[]> {
  const guards = new Set<GuardDefinition>();
  for (const path of paths) for (const guard of (await loadDefinitions(path)).guards) guards.add(guard);
  return [...guards];
}

async function loadDefinitions(path: string, options: LoadOptions = {}): Promise<Definitions> {
  const { timeoutMilliseconds = defaultLoadTimeoutMilliseconds } = options;
  const root = isAbsolute(path) ? path : resolve(path);
  const files = await listModules(root);
  if (files.length === 0) {
    throw new WebhookFileError(
      root,
      0,
      'holds no webhook; expected .ts or .js files that export defineMutator(), defineValidator() or defineGuard()',
    );
  }
  const webhooks = new Set<WebhookDefinition>();
  const guards = new Set<GuardDefinition>();
  for (const file of files) {
    const loaded = await loadModule(file, timeoutMilliseconds);
    for (const webhook of loaded.webhooks) webhooks.add(webhook);
    for (const guard of loaded.guards) guards.add(guard);
  }
  return { webhooks: [...webhooks], guards: [...guards] };
}

/** The module files below a folder, in byte order of their paths; also what a watcher should look at. */
async function listModules(root: string): Promise<string[]> {
  const info = await stat(root).catch((cause: unknown) => {
    throw new WebhookFileError(root, 0, 'there is no such file or folder', { cause });
  });
  if (info.isFile()) return [root];
  const entries = await readdir(root, { withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    if (/^[._]/.test(entry.name) || entry.name === 'node_modules') continue;
    const path = join(root, entry.name);
    if (entry.isDirectory()) found.push(...(await listModules(path)));
    else if (isModuleFile(entry.name)) found.push(path);
  }
  return found.sort();
}

/** Whether a file of this name may define webhooks: `.ts` and `.js` in all forms, tests and declarations excepted. */
export function isModuleFile(name: string): boolean {
  return modulePattern.test(name) && !notModulePattern.test(name);
}

async function loadModule(file: string, timeoutMilliseconds: number): Promise<Definitions> {
  let exported: Record<string, unknown>;
  try {
    // A module's namespace is an object of its exports.
    exported = (await inTime(file, import(pathToFileURL(file).href), timeoutMilliseconds)) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof SallyportError) throw error;
    const { line, problem } = describe(file, error);
    throw new WebhookFileError(file, line, problem, { cause: error });
  }
  const values = Object.values(exported).flatMap((value: unknown): unknown[] =>
    Array.isArray(value) ? value : [value],
  );
  const webhooks = values.filter((value) => isWebhookDefinition(value));
  const guards = values.filter((value) => isGuardDefinition(value));
  if (webhooks.length + guards.length === 0) {
    throw new WebhookFileError(
      file,
      0,
      'exports no webhook; expected an export made by defineMutator(), defineValidator() or defineGuard()',
    );
  }
  return { webhooks, guards };
}

/** The timer keeps the process alive: one that only waits for such a file would end without a word. */
async function inTime(file: string, loading: Promise<unknown>, timeoutMilliseconds: number): Promise<unknown> {
  const late = Promise.withResolvers<never>();
  const problem = `has not loaded after ${timeoutMilliseconds / 1000} s; is there an await at its top level that never ends?`;
  const timer = setTimeout(() => late.reject(new WebhookFileError(file, 0, problem)), timeoutMilliseconds);
  try {
    return await Promise.race([loading, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Node names the place of a syntax error in the stack only, and for some errors not at all. */
function describe(file: string, error: unknown): { line: number; problem: string } {
  if (!(error instanceof Error)) return { line: 0, problem: 'does not load: it threw something that is no Error' };
  const escaped = file.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const line = Number(new RegExp(`${escaped}:(\\d+)`).exec(error.stack ?? '')?.[1] ?? 0);
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return {
      line,
      problem: `${error.message.trim()} Node runs TypeScript by removing the types; set "erasableSyntaxOnly" in tsconfig.json to see such places`,
    };
  }
  if (error instanceof SyntaxError && code === '') {
    return { line, problem: `does not load: ${error.message} (decorators and "accessor" are not supported)` };
  }
  return { line, problem: `does not load: ${error.message}` };
}
