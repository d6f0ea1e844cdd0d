import type { AdmissionReviewBody } from '../../api/admission-review.ts';
import type { JsonObject, JsonValue } from '../../json/json-value.ts';
import { writeJson } from '../../json/write-json.ts';

/**
 * Writes reviews as JSON text, each object only once: many webhooks get the same one, and objects never change on their
 * way through the chain.
 */
export class ReviewWriter {
  readonly #texts = new WeakMap<object, string>();

  /** The members of the review in their order. */
  write({ request, ...envelope }: AdmissionReviewBody): string {
    // A review is made of JSON; its type leaves the objects open.
    const members = Object.entries((request ?? {}) as unknown as JsonObject);
    const body = members.map(([name, value]) => `${JSON.stringify(name)}:${this.#text(name, value)}`).join(',');
    return `${JSON.stringify(envelope).slice(0, -1)},"request":{${body}}}`;
  }

  #text(name: string, value: JsonValue): string {
    const isShared = name === 'object' || name === 'oldObject';
    if (!isShared || typeof value !== 'object' || value === null) return writeJson(value);
    const known = this.#texts.get(value);
    if (known !== undefined) return known;
    const text = writeJson(value);
    this.#texts.set(value, text);
    return text;
  }
}
