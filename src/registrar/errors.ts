import { SallyportError } from '../errors.ts';

/** Options of the registrar that contradict each other or cannot work. */
export class InvalidRegistrationError extends SallyportError {
  readonly code = 'SALLYPORT_INVALID_REGISTRATION';
}

/** A configuration of our name was made by somebody else, and is left as it is. */
export class ForeignConfigurationError extends SallyportError {
  readonly code = 'SALLYPORT_FOREIGN_CONFIGURATION';
  /** `Kind/name`. */
  readonly configuration: string;

  constructor(kind: string, name: string) {
    super(
      `${kind} "${name}" exists and is not managed by sallyport, so it is left untouched: ` +
        'delete it, or choose another registration.name',
    );
    this.configuration = `${kind}/${name}`;
  }
}

/** The configurations could not be written in the time that was given for it. */
export class RegistrationTimeoutError extends SallyportError {
  readonly code = 'SALLYPORT_REGISTRATION_TIMEOUT';
}

/** Webhooks that could lock a cluster out of its own control plane. `--force` registers them all the same. */
export class UnsafeRegistrationError extends SallyportError {
  readonly code = 'SALLYPORT_UNSAFE_REGISTRATION';
  readonly hazards: readonly string[];

  constructor(hazards: readonly string[]) {
    super(
      `not registered, because the cluster could lock itself out:\n${hazards.map((hazard) => `  - ${hazard}`).join('\n')}`,
    );
    this.hazards = hazards;
  }
}

/** Somebody goes on registering what was unregistered. `configurations` are there again, each `Kind/name`. */
export class UnregisterContestedError extends SallyportError {
  readonly code = 'SALLYPORT_UNREGISTER_CONTESTED';
  readonly configurations: readonly string[];

  constructor(configurations: readonly string[]) {
    super(
      `${configurations.join(' and ')}: registered again each time it was removed; stop whoever does that, and try again`,
    );
    this.configurations = configurations;
  }
}
