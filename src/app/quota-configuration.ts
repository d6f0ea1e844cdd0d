import { resolve } from 'node:path';
import { z } from 'zod';
import { parseResourceName } from '../api/resource-name.ts';

/** Of a cluster, as `quota.cluster` has it. */
export const clusterName = z
  .string()
  .max(63)
  .regex(/^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/, 'expected a DNS label such as "eu-1"');

/** Where a ledger is that is in a database. */
export const postgresStoreSchema = z
  .strictObject({
    mode: z.literal('PostgreSQL'),
    /** `postgres://user@host/database`; a password may come from PGPASSWORD. */
    url: z.string().optional(),
    /** File that holds the URL, such as a mounted Secret; instead of `url`. */
    urlFile: z.string().optional(),
  })
  .refine(({ url, urlFile }) => (url === undefined) !== (urlFile === undefined), {
    error: 'expected either "url" or "urlFile"',
  });

/** Quota across clusters: the part `quota` of a GateConfiguration. */
export const quotaSchema = z.strictObject({
  /** Name of this cluster, as GlobalQuota objects and messages call it; bound to the uid of its namespace kube-system. */
  cluster: clusterName,
  /** Labels of this cluster, for `spec.clusters.selector`. */
  labels: z.record(z.string(), z.string()).default({}),
  /** Where the GlobalQuota objects are. */
  objects: z
    .discriminatedUnion('mode', [
      /** In this cluster, or in the one that a kubeconfig names. */
      z.strictObject({ mode: z.literal('Cluster'), kubeconfig: z.string().optional() }),
      /** In YAML files of a folder, watched. */
      z.strictObject({ mode: z.literal('Folder'), directory: z.string() }),
    ])
    .default({ mode: 'Cluster' }),
  /**
   * Resources that quotas count beside Pods, Services and claims, such as `deployments.apps`: the rights to read them are
   * printed by `sallyport manifests`.
   */
  counts: z
    .array(
      z.string().refine((name) => !('problem' in parseResourceName(name)), {
        error: 'is no resource; expected such as "deployments.apps" or "widgets.example.com"',
      }),
    )
    .default([]),
  /** Where the ledger is. */
  store: z
    .discriminatedUnion('mode', [
      /** A file of this gate: one cluster, one replica. */
      z.strictObject({ mode: z.literal('SQLite'), path: z.string().default('/var/lib/sallyport/quota.db') }),
      /** A database that the gates of all clusters share. */
      postgresStoreSchema,
      /** A file of this gate with the slices that a hub grants it: one replica. */
      z.strictObject({
        mode: z.literal('Hub'),
        path: z.string().default('/var/lib/sallyport/quota.db'),
        /** Of `sallyport quota hub`. */
        url: z.url({ protocol: /^https$/ }),
        /** Folder with tls.crt and tls.key, whose common name is the name of this cluster, and ca.crt of the hub. */
        credentials: z.string(),
        /** Whether to go on within the slices when the hub was not heard for as long as its lease. */
        onLeaseEnd: z.enum(['Spend', 'Stop']).default('Spend'),
      }),
    ])
    .default({ mode: 'SQLite', path: '/var/lib/sallyport/quota.db' }),
});

/** With every default filled in. Paths are absolute. */
export type QuotaConfiguration = z.output<typeof quotaSchema>;

/** Relative paths begin at `folder`. */
export function absolutePaths(quota: QuotaConfiguration, folder: string): QuotaConfiguration {
  const { objects, store } = quota;
  return {
    ...quota,
    objects:
      objects.mode === 'Folder'
        ? { ...objects, directory: resolve(folder, objects.directory) }
        : { ...objects, ...(objects.kubeconfig && { kubeconfig: resolve(folder, objects.kubeconfig) }) },
    store:
      store.mode === 'Hub'
        ? { ...store, path: resolve(folder, store.path), credentials: resolve(folder, store.credentials) }
        : absoluteStore(store, folder),
  };
}

type OwnStore = Exclude<QuotaConfiguration['store'], { readonly mode: 'Hub' }>;

/** Where a ledger of one's own is. */
export function absoluteStore(store: OwnStore, folder: string): OwnStore {
  return store.mode === 'SQLite'
    ? { ...store, path: resolve(folder, store.path) }
    : { ...store, ...(store.urlFile && { urlFile: resolve(folder, store.urlFile) }) };
}
