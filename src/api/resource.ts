export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface GroupVersionResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** One served resource: its kind, scope and subresources with the kind that each of them takes as its body. */
export interface ResourceInfo extends GroupVersionResource {
  readonly kind: string;
  readonly namespaced: boolean;
  /** The version kubectl would pick for this group and resource. */
  readonly preferred: boolean;
  readonly subresources: { readonly [subresource: string]: GroupVersionKind };
}

/** `"v1"` or `"apps/v1"`, as objects carry it. */
export function formatApiVersion({ group, version }: { readonly group: string; readonly version: string }): string {
  return group === '' ? version : `${group}/${version}`;
}

/** Splits `"apps/v1"`; a text without a slash is a version of the core group. */
export function parseApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/');
  if (slash === -1) return { group: '', version: apiVersion };
  return { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** `"pods"` or `"deployments.apps"`: the form the API server uses in messages. Source: schema.GroupResource.String. */
export function formatGroupResource({
  group,
  resource,
}: {
  readonly group: string;
  readonly resource: string;
}): string {
  return group === '' ? resource : `${resource}.${group}`;
}
