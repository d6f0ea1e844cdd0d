import { builtinResources } from '../api/generated/resources.ts';
import { formatApiVersion, type GroupVersionKind } from '../api/resource.ts';

/** Whether the API server has a Go type of its own for a kind, be it of a resource or of a subresource. */
export function isBuiltinKind(kind: GroupVersionKind): boolean {
  return builtinKinds.has(keyOf(kind));
}

const builtinKinds: ReadonlySet<string> = new Set(
  builtinResources.flatMap((info) => [keyOf(info), ...Object.values(info.subresources).map(keyOf)]),
);

function keyOf(kind: GroupVersionKind): string {
  return `${formatApiVersion(kind)} ${kind.kind}`;
}
