export { checkMatchConditions } from './conditions.ts';
export { buildConfigurations, type ConfigurationOptions, type GateAddress } from './configurations.ts';
export {
  ForeignConfigurationError,
  InvalidRegistrationError,
  RegistrationTimeoutError,
  UnsafeRegistrationError,
} from './errors.ts';
export { fieldManager } from './managed-fields.ts';
export { findHazards, type HazardOptions } from './hazards.ts';
export {
  defaultExcludedNamespaces,
  readPublishedBundles,
  Registrar,
  unregister,
  type RegistrarOptions,
  type RegistrationState,
} from './registrar.ts';
