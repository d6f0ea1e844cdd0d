/**
 * Warnings as the API server will deliver them, so that nothing is dropped or cut unseen.
 *
 * The API server drops empty warnings, repeated ones and those with control characters, and when all together pass 4096
 * characters it cuts each to 256. Here a text of several lines becomes several warnings, other control characters
 * become spaces, and what must be cut ends in "…".
 *
 * Source: apiserver v0.37.2 `pkg/endpoints/filters/warning.go`, apimachinery `pkg/util/net/http.go` NewWarningHeader.
 */
export function deliverableWarnings(warnings: readonly string[]): string[] {
  if (warnings.length === 0) return [];
  const lines = warnings.flatMap((warning) => warning.toWellFormed().split(/[\r\n]+/));
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  const cleaned = lines.map((line) => line.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ').trim());
  const unique = [...new Set(cleaned.filter((line) => line !== ''))];
  const total = unique.reduce((sum, line) => sum + lengthInRunes(line), 0);
  if (total <= maxTotalRunes) return unique;
  const cut = [...new Set(unique.map((line) => cutTo(line, maxRunesEachWhenCut)))];
  const kept: string[] = [];
  let length = 0;
  for (const line of cut) {
    length += lengthInRunes(line);
    if (length > maxTotalRunes - maxRunesEachWhenCut) {
      kept.push(`… and ${cut.length - kept.length} more warnings that the API server has no room for`);
      break;
    }
    kept.push(line);
  }
  return kept;
}

const maxTotalRunes = 4096;
const maxRunesEachWhenCut = 256;

function lengthInRunes(text: string): number {
  let length = 0;
  for (const _rune of text) length += 1;
  return length;
}

function cutTo(text: string, runes: number): string {
  return lengthInRunes(text) <= runes ? text : `${[...text].slice(0, runes - 1).join('')}…`;
}
