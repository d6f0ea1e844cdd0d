import { defaultExcludedNamespaces, type RegistrarOptions } from '../registrar/index.ts';
import { InvalidConfigurationError } from './errors.ts';
import type { GateConfiguration } from './gate-configuration.ts';

/**
 * The part of the registrar's options that the GateConfiguration decides. Throws {@link InvalidConfigurationError} when it says no
 * address.
 */
export function registrationOptions({
  registration,
}: GateConfiguration): Pick<RegistrarOptions, 'name' | 'address' | 'ownNamespace' | 'excludedNamespaces' | 'force'> {
  const { name, url, service, force, includeSystemNamespaces, excludedNamespaces } = registration;
  const ownNamespace = service?.namespace;
  if (service === undefined && url === undefined) {
    throw new InvalidConfigurationError(
      'registration: neither "url" nor "service" says where the API server reaches the gate',
    );
  }
  return {
    name,
    address: service === undefined ? { url: url ?? '' } : { service },
    ownNamespace,
    excludedNamespaces: [
      ...(includeSystemNamespaces ? [] : defaultExcludedNamespaces(ownNamespace)),
      ...excludedNamespaces,
    ],
    force,
  };
}
