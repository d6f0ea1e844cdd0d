import { readFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { installManifests } from '../../app/install-manifests.ts';
import { readGateConfiguration } from '../../app/gate-configuration.ts';
import { loadRegistry } from '../../sources/load-registry.ts';
import { registrationOptions } from '../../app/registration-options.ts';
import { buildConfigurations, checkMatchConditions } from '../../registrar/index.ts';
import { exitCode, type ExitCode } from '../exit-code.ts';
import type { ManifestsOptions } from '../program.ts';

/** Prints YAML documents that `kubectl apply -f -` takes. */
export async function manifests({ config, image, caBundle }: ManifestsOptions): Promise<ExitCode> {
  const configuration = await readGateConfiguration(config);
  const configurationText = await readFile(config, 'utf8');
  const registry = await loadRegistry(configuration.webhooks);
  await checkMatchConditions(registry);
  const objects: object[] = installManifests({ configuration, configurationText, registry, image });
  if (caBundle !== undefined) {
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
  process.stdout.write(
    objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n'),
  );
  return exitCode.done;
}
