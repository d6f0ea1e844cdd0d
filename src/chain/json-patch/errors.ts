import { SallyportError } from '../../errors.ts';

/** The bytes of a patch are no list of objects. The message is Go's. */
export class UndecodablePatchError extends SallyportError {
  readonly code = 'SALLYPORT_UNDECODABLE_PATCH';
}

/** A patch does not apply to the document. The message is the library's, which the client gets inside a 500. */
export class PatchNotApplicableError extends SallyportError {
  readonly code = 'SALLYPORT_PATCH_NOT_APPLICABLE';
}

/**
 * A patch on which the library dereferences a nil pointer, such as a `test` of a list with a null in it. The API server
 * recovers and answers the request with 500 and no Status.
 */
export class PatchPanicError extends SallyportError {
  readonly code = 'SALLYPORT_PATCH_PANIC';

  constructor() {
    super('the patch makes the JSON Patch library of the API server panic');
  }
}
