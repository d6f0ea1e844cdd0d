import type { WebhookDefinition } from './definition.ts';
import { DuplicateWebhookError, formatPlace, UnknownWebhookError } from './errors.ts';

/** Which of the registered webhooks are served and registered, each by name or path. */
export interface WebhookSelection {
  /** When given, only these. */
  readonly enable?: readonly string[] | undefined;
  /** Taken away, also from `enable`. */
  readonly disable?: readonly string[] | undefined;
}

/**
 * The one map of a process from name and path to webhook. Modules fill it with what they export; the server's routes and
 * the webhook configurations are made from it.
 */
export class WebhookRegistry implements Iterable<WebhookDefinition> {
  readonly #byName = new Map<string, WebhookDefinition>();
  readonly #byPath = new Map<string, WebhookDefinition>();

  constructor(definitions: Iterable<WebhookDefinition> = []) {
    for (const definition of definitions) this.add(definition);
  }

  /** Throws {@link DuplicateWebhookError} naming both places when the name or the path is taken. */
  add(definition: WebhookDefinition): void {
    const taken =
      this.#clash('name', definition, this.#byName.get(definition.name)) ??
      this.#clash('path', definition, this.#byPath.get(definition.path));
    if (taken !== undefined) throw taken;
    this.#byName.set(definition.name, definition);
    this.#byPath.set(definition.path, definition);
  }

  byName(name: string): WebhookDefinition | undefined {
    return this.#byName.get(name);
  }

  byPath(path: string): WebhookDefinition | undefined {
    return this.#byPath.get(path);
  }

  /** In byte order of their names, so that what is made from them does not depend on the order of files. */
  [Symbol.iterator](): Iterator<WebhookDefinition> {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)).values();
  }

  get size(): number {
    return this.#byName.size;
  }

  /** A registry of the selected webhooks. Throws {@link UnknownWebhookError} for a name or path that is not here. */
  select({ enable, disable = [] }: WebhookSelection): WebhookRegistry {
    const excluded = new Set(disable.map((selector) => this.#find(selector)));
    const included = enable === undefined ? [...this] : enable.map((selector) => this.#find(selector));
    return new WebhookRegistry(new Set(included.filter((definition) => !excluded.has(definition))));
  }

  #find(selector: string): WebhookDefinition {
    const found = this.#byName.get(selector) ?? this.#byPath.get(selector);
    if (found === undefined)
      throw new UnknownWebhookError(
        selector,
        [...this].map(({ name }) => name),
      );
    return found;
  }

  #clash(
    property: 'name' | 'path',
    definition: WebhookDefinition,
    present: WebhookDefinition | undefined,
  ): DuplicateWebhookError | undefined {
    if (present === undefined) return undefined;
    const value = definition[property];
    return new DuplicateWebhookError(property, value, formatPlace(present.place), formatPlace(definition.place));
  }
}
