export { checkMatchConditions } from './conditions.ts';
export { buildConfigurations, type ConfigurationOptions, type GateAddress } from './configurations.ts';
export {
  ForeignConfigurationError,
  InvalidRegistrationError,
  RegistrationTimeoutError,
  UnregisterContestedError,
  UnsafeRegistrationError,
} from './errors.ts';
export { fieldManager } from './managed-fields.ts';
export { findHazards, type HazardOptions } from './hazards.ts';
export {
  defaultExcludedNamespaces,
  readPublishedBundles,
  Registrar,
  type RegistrarOptions,
  type RegistrationStanding,
  type RegistrationState,
} from './registrar.ts';
export { rescue, undoRescue, type RescuedWebhook, type RescueOptions } from './rescue.ts';
export { unregister, type UnregisterOptions } from './unregister.ts';
