import { quote } from '../../api/go-quote.ts';
import type { Status } from '../../api/status.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json/json-value.ts';
import { isBuiltinKind } from '../builtin-kinds.ts';
import { interpretTypeMeta } from '../go-json/type-meta.ts';
import { applyDecodedPatch } from '../json-patch/apply-patch.ts';
import { PatchNotApplicableError, PatchPanicError, UndecodablePatchError } from '../json-patch/errors.ts';
import { decodePatch, type Patch } from '../json-patch/patch.ts';
import type { ObjectInterfaces } from '../object-interfaces.ts';
import { newInternalError, newPanicked } from '../status-error.ts';
import type { Answer } from './answer.ts';
import { callError, type CallError } from './call.ts';
import { equalObjects } from './semantic-equality.ts';
import type { VersionedObjects } from './versioned-objects.ts';

/** What became of the patch in an answer. */
export type PatchOutcome =
  | { readonly kind: 'none' }
  /** `changed` is false when the patch came to nothing; it counts as applied all the same. */
  | { readonly kind: 'applied'; readonly object: JsonObject; readonly patch: Patch; readonly changed: boolean }
  | (CallError & { readonly patch?: Patch })
  | { readonly kind: 'serverError'; readonly status: Status; readonly patch?: Patch; readonly panicked?: boolean };

/**
 * Applies the patch of a webhook that allowed the request. A patch that cannot be read is a call error, which
 * failurePolicy may ignore; one that cannot be applied ends the request.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/plugin/webhook/mutating/dispatcher.go, callAttrMutatingHook.
 */
export function applyAnswer(
  webhook: string,
  answer: Pick<Answer, 'patch' | 'patchType'>,
  versioned: VersionedObjects,
  objectInterfaces: Pick<ObjectInterfaces, 'default'>,
): PatchOutcome {
  if (answer.patch.length === 0) return { kind: 'none' };
  let patch: Patch;
  try {
    patch = decodePatch(answer.patch);
  } catch (error) {
    if (!(error instanceof UndecodablePatchError)) throw error;
    return callError(webhook, `received undecodable patch in webhook response: ${error.message}`);
  }
  if (patch.length === 0) return { kind: 'none' };
  if (versioned.object === null) {
    const reason = `admission webhook ${quote(webhook)} attempted to modify the object, which is not supported for this operation`;
    return { kind: 'serverError', status: newInternalError(reason), patch };
  }
  if (answer.patchType !== 'JSONPatch')
    return { ...callError(webhook, `unsupported patch type ${quote(answer.patchType)}`), patch };
  try {
    const patched = applyDecodedPatch(versioned.object, patch);
    const isBuiltin = isBuiltinKind(versioned.kind);
    const problem = whyUndecodable(patched.value, () => patched.text(), isBuiltin);
    // What is no object has been found undecodable.
    if (problem !== undefined || !isJsonObject(patched.value)) {
      return { kind: 'serverError', status: newInternalError(problem ?? ''), patch };
    }
    const changed = !equalObjects(versioned.kind, versioned.object, patched.value);
    return { kind: 'applied', object: objectInterfaces.default(patched.value), patch, changed };
  } catch (error) {
    if (error instanceof PatchNotApplicableError)
      return { kind: 'serverError', status: newInternalError(error.message), patch };
    if (error instanceof PatchPanicError) return { kind: 'serverError', status: newPanicked(), patch, panicked: true };
    throw error;
  }
}

/**
 * Why the API server cannot decode a patched document. Of a built-in kind it would also refuse fields of a wrong type;
 * that is not copied, since the engine does not know the Go types.
 *
 * Source: k8s.io/apimachinery v0.37.2 pkg/runtime/serializer/json/json.go, Decode; for custom resources also
 * pkg/apis/meta/v1/unstructured/helpers.go, UnstructuredJSONScheme.
 */
function whyUndecodable(value: JsonValue, text: () => string, isBuiltin: boolean): string | undefined {
  const typeMeta = interpretTypeMeta(value);
  if ('problem' in typeMeta) return typeMeta.problem;
  // A built-in kind is known from the request; a custom resource has only its own word for it.
  if (!isBuiltin && typeMeta.value.kind === '') return `Object 'Kind' is missing in '${text()}'`;
  return undefined;
}
