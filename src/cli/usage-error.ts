import { SallyportError } from '../errors.ts';

/** Options of a command that do not fit together, or a file that one of them names and that cannot be used. */
export class UsageError extends SallyportError {
  readonly code = 'SALLYPORT_USAGE';
}
