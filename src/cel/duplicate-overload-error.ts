import { SallyportError } from '../errors.ts';

/** Two libraries of one CEL environment declare the same overload. */
export class DuplicateOverloadError extends SallyportError {
  readonly code = 'SALLYPORT_DUPLICATE_CEL_OVERLOAD';
  readonly overloadId: string;
  /** The second library that declares it. */
  readonly library: string;

  constructor(overloadId: string, library: string) {
    super(`CEL library ${library}: overload ${overloadId} is declared already, expected ids of its own`);
    this.overloadId = overloadId;
    this.library = library;
  }
}
