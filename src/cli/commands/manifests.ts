import { readFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { InvalidConfigurationError } from '../../app/errors.ts';
import { hubManifests } from '../../app/hub-manifests.ts';
import { installManifests, unregisterJob } from '../../app/install-manifests.ts';
import { readGateConfiguration } from '../../app/gate-configuration.ts';
import { loadRegistry } from '../../sources/load-registry.ts';
import { isQuotaHubConfiguration, parseQuotaHubConfiguration } from '../../app/quota-hub-configuration.ts';
import { registrationOptions } from '../../app/registration-options.ts';
import { buildConfigurations, checkMatchConditions } from '../../registrar/index.ts';
import { exitCode, type ExitCode } from '../exit-code.ts';
import type { ManifestsOptions } from '../program.ts';

/** Prints YAML documents that `kubectl apply -f -` takes. */
export async function manifests(options: ManifestsOptions): Promise<ExitCode> {
  const objects = (await isQuotaHubConfiguration(options.config)) ? await ofHub(options) : await ofGate(options);
  process.stdout.write(
    objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n'),
  );
  return exitCode.done;
}

async function ofHub(options: ManifestsOptions): Promise<object[]> {
  const { config, image, caBundle, serviceMonitor = false, preDeleteJob = false } = options;
  if (caBundle !== undefined || preDeleteJob) {
    throw new InvalidConfigurationError(
      `--ca-bundle and --pre-delete-job are for a gate, which registers webhooks; ${config} is a QuotaHubConfiguration`,
    );
  }
  const configurationText = await readFile(config, 'utf8');
  // Said of the file as it is, before what is said of the cluster.
  parseQuotaHubConfiguration(configurationText, config);
  return hubManifests({ configurationText, image, serviceMonitor });
}

async function ofGate(options: ManifestsOptions): Promise<object[]> {
  const { config, image, caBundle, serviceMonitor = false, preDeleteJob = false } = options;
  const configuration = await readGateConfiguration(config);
  const configurationText = await readFile(config, 'utf8');
  const registry = await loadRegistry(configuration.webhooks);
  await checkMatchConditions(registry);
  const install = { configuration, configurationText, registry, image, serviceMonitor };
  const objects: object[] = preDeleteJob ? [unregisterJob(install)] : installManifests(install);
  if (caBundle !== undefined && !preDeleteJob) {
    const { name, address, excludedNamespaces } = registrationOptions(configuration);
    objects.push(
      ...buildConfigurations(registry, {
        name,
        address,
        excludedNamespaces,
        caBundle: await readFile(caBundle, 'utf8'),
        labels: { 'app.kubernetes.io/managed-by': 'sallyport' },
      }),
    );
  }
  return objects;
}
