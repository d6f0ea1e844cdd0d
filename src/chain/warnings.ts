/**
 * The warnings one request's client gets as `Warning: 299` headers, within the API server's limits.
 *
 * Empty texts and repetitions are dropped, and texts with control characters. When all of them together would pass 4096
 * characters, each is cut to 256, those before it too; once the cut ones reach 4096, no more are taken.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/endpoints/filters/warning.go, recorder.
 */
export class Warnings {
  readonly #recorded = new Set<string>();
  #written: string[] = [];
  #writtenCharacters = 0;
  #isTruncating = false;

  add(text: string): void {
    const wellFormed = text.toWellFormed();
    if (wellFormed === '' || this.#recorded.has(wellFormed)) return;
    if (this.#isTruncating && this.#writtenCharacters >= totalCharacters) return;
    this.#recorded.add(wellFormed);
    if (
      !this.#isTruncating &&
      this.#writtenCharacters + charactersOf(wellFormed).length > totalCharacters &&
      isWritable(wellFormed)
    ) {
      this.#isTruncating = true;
      this.#written = [];
      this.#writtenCharacters = 0;
      for (const recorded of this.#recorded) this.#write(recorded);
      return;
    }
    this.#write(wellFormed);
  }

  /** As the client reads them, in order. */
  get texts(): readonly string[] {
    return this.#written;
  }

  #write(text: string): void {
    const characters = charactersOf(text);
    const kept = this.#isTruncating ? characters.slice(0, itemCharacters) : characters;
    const written = kept.join('');
    if (!isWritable(written)) return;
    this.#written.push(written);
    this.#writtenCharacters += kept.length;
  }
}

/** Source: filters/warning.go, truncateAtTotalRunes and truncateItemRunes. */
const totalCharacters = 4096;
const itemCharacters = 256;

function charactersOf(text: string): string[] {
  return Array.from(text);
}

/** Source: k8s.io/apimachinery v0.37.2 pkg/util/net/http.go, NewWarningHeader. */
function isWritable(text: string): boolean {
  return !/\p{Cc}/u.test(text);
}
