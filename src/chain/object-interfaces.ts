import type { GroupVersionKind, GroupVersionResource } from '../api/resource.ts';
import { SallyportError } from '../errors.ts';
import type { JsonObject } from '../json/json-value.ts';

/**
 * What the API server knows of the requested type: its other versions, how to convert between them, how to default it.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/interfaces.go, ObjectInterfaces.
 */
export interface ObjectInterfaces {
  /**
   * Every served group and version of the resource that is stored as one, `resource` among them, in registration order;
   * only those that serve `subresource`.
   */
  equivalentResourcesFor(resource: GroupVersionResource, subresource: string): readonly GroupVersionResource[];
  /** The kind a request on this resource carries; undefined when it is not served. */
  kindFor(resource: GroupVersionResource, subresource: string): GroupVersionKind | undefined;
  /** `object` as `kind`. Throws {@link ConversionError} when nobody knows the way. */
  convert(object: JsonObject, kind: GroupVersionKind): JsonObject;
  /** Fills the defaults that the type's own schema declares; the same object when there is nothing to fill. */
  default(object: JsonObject): JsonObject;
}

/** An object cannot be had in the version a webhook asks for. The chain answers it with 500, whatever the failurePolicy. */
export class ConversionError extends SallyportError {
  readonly code = 'SALLYPORT_CONVERSION';
  readonly kind: GroupVersionKind;

  constructor(kind: GroupVersionKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
