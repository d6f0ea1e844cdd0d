import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { type ChangingValue, constantValue, fileValue, readConfigFile } from './changing-value.ts';
import type { ClusterConfig, Impersonation, TlsMaterial } from './cluster-config.ts';
import { ClusterConfigError } from './errors.ts';

/**
 * Reads kubeconfig files and picks one context.
 *
 * Several files are merged as kubectl does: the first that names a cluster, user, context or the current context wins;
 * a file that does not exist is left out unless none does. Paths inside a file are relative to it. Understood are
 * tokens (`token`, `tokenFile`), client certificates, `as…` impersonation, `certificate-authority`,
 * `insecure-skip-tls-verify` and `tls-server-name`.
 *
 * Throws {@link ClusterConfigError} for anything else that says who to be or how to get there: `exec` and
 * `auth-provider` plug-ins, user names with passwords, `proxy-url`.
 *
 * Source: k8s.io/client-go v0.37.2 tools/clientcmd/loader.go, validation.go.
 */
export async function loadKubeconfig(
  paths: readonly string[],
  options: { readonly context?: string | undefined } = {},
): Promise<ClusterConfig> {
  const existing = paths.filter((path) => existsSync(path));
  if (existing.length === 0) throw new ClusterConfigError(`no kubeconfig at ${paths.join(', ')}`);
  const files = await Promise.all(existing.map(readKubeconfig));

  const contextName = options.context ?? files.map((file) => file.text('current-context')).find(Boolean);
  if (contextName === undefined) throw new ClusterConfigError(`${existing.join(', ')}: no current-context is set`);
  const context = findNamed(files, 'contexts', 'context', contextName);
  const cluster = findNamed(files, 'clusters', 'cluster', context.required('cluster'));
  const user = findNamed(files, 'users', 'user', context.required('user'));

  cluster.refuse('proxy-url', 'proxies are not supported');
  const plugInRemedy = 'use a token, a tokenFile or a client certificate, for example of a service account';
  user.refuse('exec', `credential plug-ins are not supported; ${plugInRemedy}`);
  user.refuse('auth-provider', `credential plug-ins are not supported; ${plugInRemedy}`);
  user.refuse('username', `user names with passwords are not supported; ${plugInRemedy}`);

  const insecureSkipTlsVerify = cluster.flag('insecure-skip-tls-verify');
  const ca = pemSource(cluster, 'certificate-authority');
  if (insecureSkipTlsVerify && ca !== undefined) {
    throw cluster.error('insecure-skip-tls-verify', 'cannot be combined with certificate-authority');
  }
  const certificate = pemSource(user, 'client-certificate');
  const key = pemSource(user, 'client-key');
  if ((certificate === undefined) !== (key === undefined)) {
    throw user.error('client-certificate', 'and client-key belong together; one of them is missing');
  }
  const tls = tlsValue({ ca, certificate, key });
  const token = tokenValue(user);
  // Read now, so that a missing file is told at the start.
  await Promise.all([tls.get(), token?.get()]);
  return {
    server: serverUrl(cluster),
    namespace: context.text('namespace') ?? 'default',
    tls,
    tlsServerName: cluster.text('tls-server-name'),
    insecureSkipTlsVerify,
    token,
    impersonation: impersonationOf(user),
  };
}

/** One mapping of a kubeconfig, with where it stands for messages. */
class Entry {
  readonly path: string;
  readonly #where: string;
  readonly #fields: ReadonlyMap<string, unknown>;

  /** `where` is the way to it inside the file at `path`; empty for the whole. */
  constructor(path: string, where: string, value: unknown) {
    this.path = path;
    this.#where = where;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new ClusterConfigError(`${path}: ${where === '' ? 'the content' : where} is no mapping`);
    }
    this.#fields = new Map(Object.entries(value));
  }

  error(field: string, problem: string): ClusterConfigError {
    return new ClusterConfigError(`${this.path}: ${this.#nameOf(field)} ${problem}`);
  }

  /** Paths in a kubeconfig are relative to it. */
  resolvePath(path: string): string {
    return resolve(dirname(this.path), path);
  }

  fieldNames(): string[] {
    return [...this.#fields.keys()];
  }

  value(field: string): unknown {
    return this.#fields.get(field) ?? undefined;
  }

  mapping(field: string): Entry {
    return new Entry(this.path, this.#nameOf(field), this.value(field) ?? {});
  }

  /** An empty text counts as absent, as in Go. */
  text(field: string): string | undefined {
    const value = this.value(field);
    if (value !== undefined && typeof value !== 'string') throw this.error(field, 'is no text');
    return value === '' ? undefined : value;
  }

  required(field: string): string {
    const value = this.text(field);
    if (value === undefined) throw this.error(field, 'is missing');
    return value;
  }

  flag(field: string): boolean {
    const value = this.value(field) ?? false;
    if (typeof value !== 'boolean') throw this.error(field, 'is neither true nor false');
    return value;
  }

  texts(field: string): string[] {
    const value = this.value(field) ?? [];
    if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
      throw this.error(field, 'is no list of texts');
    }
    return value;
  }

  refuse(field: string, reason: string): void {
    const value = this.value(field);
    if (value !== undefined && value !== '') throw this.error(field, `cannot be used: ${reason}`);
  }

  #nameOf(field: string): string {
    return this.#where === '' ? field : `${this.#where}.${field}`;
  }
}

async function readKubeconfig(path: string): Promise<Entry> {
  let value: unknown;
  try {
    value = parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new ClusterConfigError(`${path}: not a kubeconfig`, { cause: error });
  }
  return new Entry(path, '', value ?? {});
}

/** `clusters`, `users` and `contexts` are lists of `{ name, <inner>: {…} }`. */
function findNamed(files: readonly Entry[], list: string, inner: string, name: string): Entry {
  for (const file of files) {
    const entries = file.value(list) ?? [];
    if (!Array.isArray(entries)) throw file.error(list, 'is no list');
    for (const [index, item] of entries.entries()) {
      const entry = new Entry(file.path, `${list}[${index}]`, item);
      if (entry.text('name') === name) return entry.mapping(inner);
    }
  }
  throw new ClusterConfigError(`${files.map((file) => file.path).join(', ')}: no ${inner} named ${name} in ${list}`);
}

function serverUrl(cluster: Entry): URL {
  const text = cluster.required('server');
  // client-go takes a bare host and port for https.
  const url = URL.parse(/^https?:\/\//.test(text) ? text : `https://${text}`);
  if (url === null) throw cluster.error('server', `is no URL: ${text}`);
  return url;
}

/** PEM that stands in the file as base64 (`<field>-data`), or at a path (`<field>`). */
type PemSource = { readonly pem: string } | { readonly path: string; readonly purpose: string };

function pemSource(entry: Entry, field: string): PemSource | undefined {
  const data = entry.text(`${field}-data`);
  const path = entry.text(field);
  if (data !== undefined && path !== undefined) throw entry.error(field, `and ${field}-data are both set; keep one`);
  if (data !== undefined) return { pem: Buffer.from(data, 'base64').toString('utf8') };
  if (path !== undefined) return { path: entry.resolvePath(path), purpose: `kubeconfig ${field}` };
  return undefined;
}

interface TlsSources {
  readonly ca: PemSource | undefined;
  readonly certificate: PemSource | undefined;
  readonly key: PemSource | undefined;
}

function tlsValue(sources: TlsSources): ChangingValue<TlsMaterial> {
  const load = async (source: PemSource | undefined): Promise<string | undefined> => {
    if (source === undefined || 'pem' in source) return source?.pem;
    return readConfigFile(source.path, source.purpose);
  };
  return fileValue(async () => ({
    ca: await load(sources.ca),
    certificate: await load(sources.certificate),
    key: await load(sources.key),
  }));
}

/** A token file wins over a token, as in client-go, where the file is what is kept fresh. */
function tokenValue(user: Entry): ChangingValue<string> | undefined {
  const file = user.text('tokenFile');
  const token = user.text('token');
  if (file !== undefined) {
    const path = user.resolvePath(file);
    return fileValue(() => readConfigFile(path, 'kubeconfig tokenFile'));
  }
  return token === undefined ? undefined : constantValue(token);
}

function impersonationOf(user: Entry): Impersonation | undefined {
  const name = user.text('as');
  const groups = user.texts('as-groups');
  const uid = user.text('as-uid');
  const extra = user.mapping('as-user-extra');
  if (name === undefined) {
    if (groups.length > 0 || uid !== undefined) throw user.error('as', 'is missing, but as-groups or as-uid is set');
    return undefined;
  }
  return {
    user: name,
    uid,
    groups,
    extra: Object.fromEntries(extra.fieldNames().map((key) => [key, extra.texts(key)])),
  };
}
