import { SallyportError } from '../errors.ts';

/** Options of the registrar that contradict each other or cannot work. */
export class InvalidRegistrationError extends SallyportError {
  readonly code = 'SALLYPORT_INVALID_REGISTRATION';
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
