import type { CustomResourceDefinition } from '../api/generated/apiextensions.v1.ts';
import { builtinResources } from '../api/generated/resources.ts';
import {
  formatApiVersion,
  parseApiVersion,
  type GroupVersionKind,
  type GroupVersionResource,
} from '../api/resource.ts';
import type { JsonObject, JsonValue } from '../json/json-value.ts';
import { isBuiltinKind } from './builtin-kinds.ts';
import { ConversionError, NoConverterError, type ObjectInterfaces } from './object-interfaces.ts';
import { fillDefaults, type StructuralSchema } from './structural-defaults.ts';

/** Turns objects of one version of a resource into those of another; undefined when it knows no way. */
export type Converter = (object: JsonObject, kind: GroupVersionKind) => JsonObject | undefined;

/** One version of one resource, or one of its subresources, with the kind requests for it carry. */
interface Registration {
  readonly resource: GroupVersionResource;
  readonly subresource: string;
  readonly kind: GroupVersionKind;
}

/**
 * The resources of a cluster: the built-in ones and those of CustomResourceDefinitions.
 *
 * Custom resources with `conversion.strategy: None` convert by a change of their apiVersion; everything else needs
 * `converter`.
 *
 * Source: k8s.io/apimachinery v0.37.2 pkg/runtime/mapper.go, equivalentResourceRegistry; apiextensions-apiserver v0.37.2
 * pkg/apiserver/customresource_handler.go and pkg/apiserver/conversion/converter.go.
 */
export class ResourceCatalog {
  readonly #registrations: readonly Registration[];
  readonly #definitions: readonly CustomResourceDefinition[];
  readonly #converter: Converter | undefined;

  constructor(definitions: readonly CustomResourceDefinition[] = [], converter?: Converter) {
    this.#definitions = definitions;
    this.#registrations = [...builtinRegistrations(), ...definitions.flatMap(customRegistrations)];
    this.#converter = converter;
  }

  /** What the API server knows of the type of this resource. */
  objectInterfaces(resource: GroupVersionResource): ObjectInterfaces {
    const definition = this.#definitions.find(
      ({ spec }) => spec.group === resource.group && spec.names.plural === resource.resource,
    );
    return {
      equivalentResourcesFor: (requested, subresource) => this.#equivalentResources(requested, subresource),
      kindFor: (requested, subresource) => this.#kindFor(requested, subresource),
      convert: (object, kind) => this.#convert(definition, object, kind),
      default: (object) => (definition === undefined ? object : defaultCustomResource(definition, object)),
    };
  }

  #equivalentResources(resource: GroupVersionResource, subresource: string): GroupVersionResource[] {
    const identity = identityOf(resource);
    return this.#registrations
      .filter((each) => each.subresource === subresource && identityOf(each.resource) === identity)
      .map((each) => each.resource);
  }

  #kindFor(resource: GroupVersionResource, subresource: string): GroupVersionKind | undefined {
    return this.#registrations.find(
      (each) => each.subresource === subresource && isSameResource(each.resource, resource),
    )?.kind;
  }

  #convert(definition: CustomResourceDefinition | undefined, object: JsonObject, kind: GroupVersionKind): JsonObject {
    const from = kindOf(object);
    const isCustom = definition !== undefined && !isBuiltinKind(from) && !isBuiltinKind(kind);
    if (isCustom) checkVersions(definition, from, kind);
    if (from.group === kind.group && from.version === kind.version) return object;
    const converted = this.#converter?.(object, kind);
    if (converted !== undefined) return converted;
    if (isCustom && (definition.spec.conversion?.strategy ?? 'None') === 'None') {
      return { ...object, apiVersion: formatApiVersion(kind) };
    }
    throw new NoConverterError(from, kind);
  }
}

/** Source: conversion/converter.go, crConverter.ConvertToVersion. */
function checkVersions({ spec }: CustomResourceDefinition, from: GroupVersionKind, to: GroupVersionKind): void {
  if (from.group !== to.group) {
    const kind = `${from.group}/${from.version}, Kind=${from.kind}`;
    throw new ConversionError(
      to,
      `${kind} is unstructured and is not suitable for converting to "${formatApiVersion(to)}"`,
    );
  }
  for (const [kind, preposition] of [
    [to, 'to'],
    [from, 'from'],
  ] as const) {
    if (kind.group === spec.group && spec.versions.some(({ name }) => name === kind.version)) continue;
    throw new ConversionError(
      to,
      `request to convert CR ${preposition} an invalid group/version: ${formatApiVersion(kind)}`,
    );
  }
}

function kindOf({ apiVersion, kind }: JsonObject): GroupVersionKind {
  return { ...parseApiVersion(textOf(apiVersion)), kind: textOf(kind) };
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function builtinRegistrations(): Registration[] {
  // The version that clients prefer is installed first.
  const ordered = [...builtinResources].sort((a, b) => Number(b.preferred) - Number(a.preferred));
  return ordered.flatMap(({ group, version, resource, kind, subresources }) =>
    registrations({ group, version, resource }, { group, version, kind }, Object.entries(subresources)),
  );
}

/** All versions, served or not, in the order of the definition. */
function customRegistrations({ spec }: CustomResourceDefinition): Registration[] {
  return spec.versions.flatMap(({ name: version, subresources }) => {
    const kind = { group: spec.group, version, kind: spec.names.kind };
    const own: [string, GroupVersionKind][] = [];
    if (subresources?.status !== undefined) own.push(['status', kind]);
    if (subresources?.scale !== undefined) own.push(['scale', { group: 'autoscaling', version: 'v1', kind: 'Scale' }]);
    return registrations({ group: spec.group, version, resource: spec.names.plural }, kind, own);
  });
}

function registrations(
  resource: GroupVersionResource,
  kind: GroupVersionKind,
  subresources: readonly (readonly [string, GroupVersionKind])[],
): Registration[] {
  return [
    { resource, subresource: '', kind },
    ...subresources.map(([subresource, subresourceKind]) => ({ resource, subresource, kind: subresourceKind })),
  ];
}

/**
 * Resources with the same identity are stored as one. Events are the one pair of groups that still is.
 *
 * Source: k8s.io/kubernetes v1.37.2 pkg/kubeapiserver/default_storage_factory_builder.go, AddCohabitatingResources.
 */
function identityOf({ group, resource }: GroupVersionResource): string {
  return resource === 'events' && group === 'events.k8s.io' ? 'events.' : `${resource}.${group}`;
}

function isSameResource(a: GroupVersionResource, b: GroupVersionResource): boolean {
  return a.group === b.group && a.version === b.version && a.resource === b.resource;
}

function defaultCustomResource({ spec }: CustomResourceDefinition, object: JsonObject): JsonObject {
  const { group, version, kind } = kindOf(object);
  if (group !== spec.group || kind !== spec.names.kind) return object;
  const schema = spec.versions.find(({ name }) => name === version)?.schema?.openAPIV3Schema;
  // A JSON Schema is JSON; its generated type only leaves the defaults open.
  return schema === undefined ? object : fillDefaults(object, schema as StructuralSchema);
}
