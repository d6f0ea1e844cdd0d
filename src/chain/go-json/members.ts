/**
 * The members of a JSON object with the raw text of their values, of a repeated key the last. Undefined when `text` is
 * no object; `text` must be valid JSON.
 */
export function rawMembers(text: string): Map<string, string> | undefined {
  const members = new Map<string, string>();
  let at = skipSpace(text, 0);
  if (text[at] !== '{') return undefined;
  at = skipSpace(text, at + 1);
  while (text[at] !== '}') {
    const keyEnd = endOfValue(text, at);
    // JSON text of a string, so the result is one.
    const key = JSON.parse(text.slice(at, keyEnd)) as string;
    const colon = skipSpace(text, keyEnd);
    const start = skipSpace(text, colon + 1);
    const end = endOfValue(text, start);
    members.set(key.toWellFormed(), text.slice(start, end));
    at = skipComma(text, end);
  }
  return members;
}

/** The raw text of the elements of a JSON array. Undefined when `text` is none; `text` must be valid JSON. */
export function rawElements(text: string): string[] | undefined {
  const elements: string[] = [];
  let at = skipSpace(text, 0);
  if (text[at] !== '[') return undefined;
  at = skipSpace(text, at + 1);
  while (text[at] !== ']') {
    const end = endOfValue(text, at);
    elements.push(text.slice(at, end));
    at = skipComma(text, end);
  }
  return elements;
}

/** What separates tokens, strings and scalars being taken whole. */
const token = /"(?:[^"\\]|\\.)*"|[[\]{}]|[^\s"[\]{},:]+/y;

/** Index after the value that begins at `start`. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  let at = start;
  do {
    token.lastIndex = at;
    const found = token.exec(text)?.[0];
    if (found === undefined) {
      // Blanks, commas and colons between the tokens of a container.
      at += 1;
      continue;
    }
    if (found === '{' || found === '[') depth += 1;
    else if (found === '}' || found === ']') depth -= 1;
    at += found.length;
  } while (depth > 0);
  return at;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (' \t\r\n'.includes(text[at] ?? 'end')) at += 1;
  return at;
}

function skipComma(text: string, start: number): number {
  const at = skipSpace(text, start);
  return text[at] === ',' ? skipSpace(text, at + 1) : at;
}
