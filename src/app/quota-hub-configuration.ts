import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { InvalidConfigurationError } from './errors.ts';
import { parseConfiguration } from './parse-configuration.ts';
import { absoluteStore, postgresStoreSchema } from './quota-configuration.ts';

const port = z.int().min(0).max(65_535);

const schema = z.strictObject({
  apiVersion: z.literal('config.sallyport.dev/v1alpha1'),
  kind: z.literal('QuotaHubConfiguration'),
  /** Name and namespace of what `sallyport manifests` prints. */
  metadata: z.looseObject({ name: z.string().optional(), namespace: z.string().optional() }).optional(),
  server: z
    .strictObject({
      host: z.string().default('0.0.0.0'),
      port: port.default(8444),
      /** Health and metrics over plain HTTP, for probes and scrapers. */
      healthPort: port.default(8080),
    })
    .prefault({}),
  /** Folder with tls.crt and tls.key of the hub, watched. */
  certificates: z.string(),
  /** File with the authorities that sign the certificates of members, read again every minute. Their common names are the names of clusters. */
  clientAuthority: z.string(),
  /** Where the GlobalQuota objects are: the same ones that the members read. */
  objects: z.discriminatedUnion('mode', [
    /** In the cluster that the hub runs in, or in the one that a kubeconfig names. Their status is written there. */
    z.strictObject({ mode: z.literal('Cluster'), kubeconfig: z.string().optional() }),
    /** In YAML files of a folder, watched. */
    z.strictObject({ mode: z.literal('Folder'), directory: z.string() }),
  ]),
  /** Where it is kept what each member holds. */
  store: z.discriminatedUnion('mode', [
    z.strictObject({ mode: z.literal('SQLite'), path: z.string() }),
    postgresStoreSchema,
    /** Objects in a namespace of the cluster that has the GlobalQuota objects: for a hub without a database. */
    z.strictObject({ mode: z.literal('Kubernetes'), namespace: z.string() }),
  ]),
  leaseSeconds: z.int().min(5).max(3600).default(60),
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']).default('info') }).prefault({}),
});

/** How a hub runs, with every default filled in. Paths are absolute. */
export type QuotaHubConfiguration = z.output<typeof schema>;

/** Whether a file says that it is one; false also when it cannot be read. */
export async function isQuotaHubConfiguration(file: string): Promise<boolean> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return /^kind:\s*["']?QuotaHubConfiguration\b/m.test(text);
}

/** Reads a QuotaHubConfiguration. Throws {@link InvalidConfigurationError}, with file and line. */
export async function readQuotaHubConfiguration(file: string): Promise<QuotaHubConfiguration> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new InvalidConfigurationError(`${file}: cannot be read; expected a QuotaHubConfiguration in YAML`, { cause });
  });
  return parseQuotaHubConfiguration(text, file);
}

/** The same from a text; relative paths begin beside `file`. */
export function parseQuotaHubConfiguration(text: string, file: string): QuotaHubConfiguration {
  const parsed = parseConfiguration(schema, text, file);
  const { objects, store } = parsed;
  const at = (path: string): string => resolve(dirname(file), path);
  if (store.mode === 'Kubernetes' && objects.mode !== 'Cluster') {
    throw new InvalidConfigurationError(
      `${file}: store.mode Kubernetes needs objects.mode Cluster, whose cluster it uses`,
    );
  }
  return {
    ...parsed,
    certificates: at(parsed.certificates),
    clientAuthority: at(parsed.clientAuthority),
    objects:
      objects.mode === 'Folder'
        ? { ...objects, directory: at(objects.directory) }
        : { ...objects, ...(objects.kubeconfig !== undefined && { kubeconfig: at(objects.kubeconfig) }) },
    store: store.mode === 'Kubernetes' ? store : absoluteStore(store, dirname(file)),
  };
}
