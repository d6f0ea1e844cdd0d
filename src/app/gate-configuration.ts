import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { InvalidConfigurationError } from './errors.ts';
import { guardSchema } from './guard-configuration.ts';
import { parseConfiguration } from './parse-configuration.ts';
import { absolutePaths, quotaSchema } from './quota-configuration.ts';

const port = z.int().min(0).max(65_535);
export const dnsLabel = z
  .string()
  .regex(/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/, 'expected a DNS label such as "sallyport"');
const dnsName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/, 'expected a DNS name such as "sallyport"');

const serviceSchema = z.strictObject({ namespace: dnsLabel, name: dnsLabel, port: port.min(1).default(443) });

const gateFields = z.strictObject({
  apiVersion: z.literal('config.sallyport.dev/v1alpha1'),
  kind: z.literal('GateConfiguration'),
  metadata: z.looseObject({}).optional(),
  /** Which webhooks there are. */
  webhooks: z
    .strictObject({
      /** Folders or files, relative to the configuration file. */
      paths: z.array(z.string()).default([]),
      /** When given, only these, by name or path. */
      enable: z.array(z.string()).optional(),
      disable: z.array(z.string()).default([]),
    })
    .prefault({}),
  /** Pods that leave only after their clean-up. Default: none. */
  guard: guardSchema.optional(),
  /** Quota across clusters. Default: none. */
  quota: quotaSchema.optional(),
  server: z
    .strictObject({
      host: z.string().default('0.0.0.0'),
      port: port.default(8443),
      /** Health and metrics over plain HTTP, for probes and scrapers. */
      healthPort: port.default(8080),
    })
    .prefault({}),
  certificates: z
    .discriminatedUnion('mode', [
      /** A certificate authority of our own, kept in a Secret that the replicas share. */
      z.strictObject({ mode: z.literal('SelfManaged'), secretName: dnsName.default('sallyport-ca') }),
      /** tls.crt, tls.key and ca.crt in a folder, watched. */
      z.strictObject({ mode: z.literal('Files'), directory: z.string() }),
      /** cert-manager keeps the Secret, and its injector the CA bundles of our configurations. */
      z.strictObject({
        mode: z.literal('CertManager'),
        /** Name of the Certificate, whose CA is injected. */
        certificateName: dnsName.default('sallyport'),
        /** `spec.secretName` of the Certificate. */
        secretName: dnsName.default('sallyport-tls'),
      }),
    ])
    .default({ mode: 'SelfManaged', secretName: 'sallyport-ca' }),
  /** Asks callers of webhooks for a certificate; see docs/guides/running.md. Default: whoever reaches the port may call. */
  clientCertificates: z
    .strictObject({
      /** File with the authorities, in PEM, that sign the certificates of API servers; read again every minute. */
      caFile: z.string(),
      /** Common names that may call, at least one. Default: every certificate of the authorities. */
      allowedNames: z.array(z.string().min(1)).min(1).optional(),
    })
    .optional(),
  registration: z
    .strictObject({
      /** Name of both webhook configuration objects. */
      name: dnsName.default('sallyport'),
      /** `https://host[:port]` as the API server reaches it; instead of `service`. */
      url: z.url({ protocol: /^https$/ }).optional(),
      service: serviceSchema.optional(),
      /** In addition to kube-system and the gate's own namespace. */
      excludedNamespaces: z.array(dnsLabel).default([]),
      /** Takes kube-system and our own namespace out of the exclusions. */
      includeSystemNamespaces: z.boolean().default(false),
      /** Registers webhooks that could lock the cluster out. */
      force: z.boolean().default(false),
    })
    .refine(({ url, service }) => url === undefined || service === undefined, {
      error: 'both "url" and "service" are given; the API server takes exactly one',
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
      /** Which requests get a line: all, none, or denials, faults and a sample of the rest. */
      requests: z.enum(['All', 'Sampled', 'Off']).default('Sampled'),
    })
    .prefault({}),
  /** A line of JSON for every request to a webhook. Default: none is kept. */
  decisionLog: z
    .discriminatedUnion('to', [
      /** Among the lines of the log, told apart by `"kind":"Decision"`. */
      z.strictObject({ to: z.literal('Stdout') }),
      z.strictObject({
        to: z.literal('File'),
        path: z.string(),
        /** A file that would grow beyond it is put aside as `<path>.1`. */
        maxFileMegabytes: z.int().min(1).default(100),
        /** All together. */
        maxFiles: z.int().min(1).max(1000).default(5),
      }),
      /** A module of yours that exports an `auditSink`. */
      z.strictObject({ to: z.literal('Module'), path: z.string() }),
    ])
    .optional(),
});

const gateSchema = gateFields.refine(
  ({ webhooks, guard, quota }) => webhooks.paths.length > 0 || guard !== undefined || quota !== undefined,
  {
    path: ['webhooks', 'paths'],
    error: 'names no webhooks, and there is nothing else to serve; expected at least one file or folder',
  },
);

/**
 * How a gate runs: `config.sallyport.dev/v1alpha1` GateConfiguration with every default filled in. Paths are absolute.
 */
export type GateConfiguration = z.output<typeof gateSchema>;

/**
 * Reads a GateConfiguration from a YAML file.
 *
 * Throws {@link InvalidConfigurationError} listing everything that is wrong, each with file and line; for an unknown key
 * also the nearest known one.
 */
export async function readGateConfiguration(file: string): Promise<GateConfiguration> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new InvalidConfigurationError(`${file}: cannot be read; expected a GateConfiguration in YAML`, { cause });
  });
  return parseGateConfiguration(text, file);
}

/** The same for text that stands, or could stand, in `file`; relative paths begin at its folder. */
export function parseGateConfiguration(text: string, file: string): GateConfiguration {
  const parsed = parseConfiguration(gateSchema, text, file);
  const folder = dirname(file);
  const { certificates, clientCertificates, webhooks, decisionLog, guard, quota } = parsed;
  return {
    ...parsed,
    quota: quota === undefined ? undefined : absolutePaths(quota, folder),
    webhooks: { ...webhooks, paths: webhooks.paths.map((path) => resolve(folder, path)) },
    certificates:
      certificates.mode === 'Files'
        ? { ...certificates, directory: resolve(folder, certificates.directory) }
        : certificates,
    ...(clientCertificates !== undefined && {
      clientCertificates: { ...clientCertificates, caFile: resolve(folder, clientCertificates.caFile) },
    }),
    ...(guard?.folder !== undefined && { guard: { ...guard, folder: resolve(folder, guard.folder) } }),
    ...(decisionLog !== undefined && {
      decisionLog: 'path' in decisionLog ? { ...decisionLog, path: resolve(folder, decisionLog.path) } : decisionLog,
    }),
  };
}
