export { checkMatchConditions } from './conditions.ts';
export { buildConfigurations, type ConfigurationOptions, type GateAddress } from './configurations.ts';
export { InvalidRegistrationError, UnsafeRegistrationError } from './errors.ts';
export { findHazards, type HazardOptions } from './hazards.ts';
export {
  defaultExcludedNamespaces,
  fieldManager,
  Registrar,
  unregister,
  type RegistrarOptions,
  type RegistrationState,
} from './registrar.ts';
