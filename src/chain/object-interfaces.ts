import { formatApiVersion, type GroupVersionKind, type GroupVersionResource } from '../api/resource.ts';
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
  /**
   * `object`, which is in some version of the requested resource, as `kind`; asked also when it is in that version.
   *
   * Throws {@link ConversionError} when the API server would fail there, {@link NoConverterError} when it would not but
   * the engine has nobody to ask.
   */
  convert(object: JsonObject, kind: GroupVersionKind): JsonObject;
  /** Fills the defaults that the type's own schema declares; the same object when there is nothing to fill. */
  default(object: JsonObject): JsonObject;
}

/** The API server itself would fail to convert an object. The chain refuses the request, whatever the failurePolicy. */
export class ConversionError extends SallyportError {
  readonly code = 'SALLYPORT_CONVERSION';
  /** The kind that was asked for. */
  readonly kind: GroupVersionKind;

  constructor(kind: GroupVersionKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** A webhook asks for an object in a version that the engine was given no converter for. What a cluster would say is not known. */
export class NoConverterError extends SallyportError {
  readonly code = 'SALLYPORT_NO_CONVERTER';
  readonly from: GroupVersionKind;
  readonly to: GroupVersionKind;

  constructor(from: GroupVersionKind, to: GroupVersionKind) {
    super(
      `no converter from ${formatApiVersion(from)} ${from.kind} to ${formatApiVersion(to)} ${to.kind} was handed in`,
    );
    this.from = from;
    this.to = to;
  }
}
