import { formatApiVersion, type GroupVersionKind } from '../../api/resource.ts';
import type { JsonObject } from '../../json/json-value.ts';
import type { Attributes } from '../attributes.ts';
import type { ObjectInterfaces } from '../object-interfaces.ts';

/** The object and the old object of a request in the kind that a webhook asks for. */
export interface VersionedObjects {
  readonly kind: GroupVersionKind;
  readonly object: JsonObject | null;
  readonly oldObject: JsonObject | null;
}

/** Source: k8s.io/apiserver v0.37.2 pkg/admission/conversion.go, NewVersionedAttributes. Throws {@link ConversionError}. */
export function versionedObjects(
  { object, oldObject }: Pick<Attributes, 'object' | 'oldObject'>,
  kind: GroupVersionKind,
  objectInterfaces: ObjectInterfaces,
): VersionedObjects {
  return { kind, object: toKind(object, kind, objectInterfaces), oldObject: toKind(oldObject, kind, objectInterfaces) };
}

/**
 * The objects that mutating webhooks hand from one to the next. They are converted only when a webhook asks for another
 * kind than the one before it.
 *
 * Source: pkg/admission/conversion.go, ConvertVersionedAttributes, and versionedAttributeAccessor in
 * pkg/admission/plugin/webhook/mutating/dispatcher.go.
 */
export class MutableVersionedObjects {
  readonly #attributes: Attributes;
  readonly #objectInterfaces: ObjectInterfaces;
  /** In the requested kind; behind `#versioned` as long as that is dirty. */
  #object: JsonObject | null;
  #versioned: VersionedObjects | undefined;
  #isDirty = false;

  constructor(attributes: Attributes, objectInterfaces: ObjectInterfaces) {
    this.#attributes = attributes;
    this.#objectInterfaces = objectInterfaces;
    this.#object = attributes.object;
  }

  /** What selectors look at: the object as the last webhook left it, in that webhook's kind. */
  get current(): JsonObject | null {
    return this.#versioned?.object ?? this.#object;
  }

  /** Throws {@link ConversionError}. */
  as(kind: GroupVersionKind): VersionedObjects {
    if (this.#versioned === undefined || !isSameKind(this.#versioned.kind, kind)) {
      this.#writeBack();
      this.#versioned = versionedObjects(
        { object: this.#object, oldObject: this.#attributes.oldObject },
        kind,
        this.#objectInterfaces,
      );
    }
    return this.#versioned;
  }

  /** Takes the object that the webhook's patch made of `versioned.object`. */
  update(versioned: VersionedObjects, object: JsonObject): void {
    this.#versioned = { ...versioned, object };
    this.#isDirty = true;
  }

  /** The object in the requested kind, all changes in it. Throws {@link ConversionError}. */
  finish(): JsonObject | null {
    this.#writeBack();
    return this.#object;
  }

  #writeBack(): void {
    const object = this.#versioned?.object ?? null;
    if (!this.#isDirty || object === null) return;
    this.#object = this.#objectInterfaces.convert(object, this.#attributes.kind);
    this.#isDirty = false;
  }
}

/** Source: pkg/admission/conversion.go, ConvertToGVK. */
function toKind(
  object: JsonObject | null,
  kind: GroupVersionKind,
  objectInterfaces: ObjectInterfaces,
): JsonObject | null {
  return object === null || isOfKind(object, kind) ? object : objectInterfaces.convert(object, kind);
}

function isOfKind(object: JsonObject, kind: GroupVersionKind): boolean {
  return object['apiVersion'] === formatApiVersion(kind) && object['kind'] === kind.kind;
}

function isSameKind(a: GroupVersionKind, b: GroupVersionKind): boolean {
  return a.group === b.group && a.version === b.version && a.kind === b.kind;
}
