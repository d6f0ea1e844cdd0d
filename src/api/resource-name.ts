import { builtinResources } from './generated/resources.ts';
import type { BuiltinResourceTypes } from './generated/resource-types.ts';
import type { ResourceInfo } from './resource.ts';

/**
 * Types of the objects behind resource names. Add your custom resources by augmentation:
 *
 *     declare module 'sallyport' {
 *       interface KubernetesResources { 'widgets.example.com/v1': Widget }
 *     }
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- an interface, so that users can augment it
export interface KubernetesResources extends BuiltinResourceTypes {}

/** A resource whose type is known: `pods`, `deployments.apps/v1`, `pods/eviction`, `deployments/scale`, … */
export type ResourceName = keyof KubernetesResources;

/** A resource name taken apart. `version` is undefined when the name leaves it open. */
export interface ParsedResourceName {
  readonly group: string;
  readonly version: string | undefined;
  readonly resource: string;
  readonly subresource: string | undefined;
}

const versionPattern = /^v\d+(?:(?:alpha|beta)\d+)?$/;
const namePattern = /^(?:[a-z0-9](?:[-a-z0-9]*[a-z0-9])?|\*)$/;

/**
 * Takes `plural[.group][/version][/subresource]` apart. A built-in plural may stand without its group when only one
 * group serves it (`deployments`), and gets the version kubectl would pick when none is said.
 *
 * Returns the reason as a text when the name cannot be read.
 */
export function parseResourceName(name: string): ParsedResourceName | { readonly problem: string } {
  const [qualified = '', ...rest] = name.split('/');
  const version = rest[0] !== undefined && versionPattern.test(rest[0]) ? rest.shift() : undefined;
  const subresource = rest.shift();
  if (rest.length > 0 || (subresource !== undefined && !namePattern.test(subresource))) {
    return { problem: `"${name}" is not of the form plural[.group][/version][/subresource]` };
  }
  const dot = qualified.indexOf('.');
  const resource = dot === -1 ? qualified : qualified.slice(0, dot);
  if (!namePattern.test(resource)) return { problem: `"${resource}" is not the plural name of a resource` };
  if (dot !== -1) {
    const group = qualified.slice(dot + 1);
    const builtin = preferredVersion((info) => info.group === group && info.resource === resource);
    return { group, version: version ?? builtin?.version, resource, subresource };
  }
  const core = preferredVersion((info) => info.group === '' && info.resource === resource);
  if (core !== undefined) return { group: '', version: version ?? core.version, resource, subresource };
  const groups = builtinResources.filter((info) => info.resource === resource && info.preferred);
  const [only, ...others] = groups;
  if (only === undefined) {
    return {
      problem: `"${resource}" is no built-in resource; write the group of a custom one: "${resource}.example.com/v1"`,
    };
  }
  if (others.length > 0) {
    const choices = groups.map((info) => `"${info.resource}.${info.group}"`).join(', ');
    return { problem: `"${resource}" is served by several groups; write one of ${choices}` };
  }
  return { group: only.group, version: version ?? only.version, resource, subresource };
}

function preferredVersion(test: (info: ResourceInfo) => boolean): ResourceInfo | undefined {
  return builtinResources.find((info) => info.preferred && test(info));
}
