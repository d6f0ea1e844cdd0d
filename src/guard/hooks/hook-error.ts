import { SallyportError } from '../../errors.ts';

/** The application could not be asked about its clean-up, or its answer is none. It is asked again after a pause. */
export class GuardHookError extends SallyportError {
  readonly code = 'SALLYPORT_GUARD_HOOK';
}
