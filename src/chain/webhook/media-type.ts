export type MediaType = { readonly type: string } | { readonly problem: string };

/**
 * The media type of a `Content-Type` header, in lower case and without parameters; or what Go says when the header
 * cannot be read.
 *
 * Source: Go 1.26 src/mime/mediatype.go, ParseMediaType.
 */
export function parseMediaType(header: string): MediaType {
  const semicolon = header.indexOf(';');
  const type = (semicolon === -1 ? header : header.slice(0, semicolon)).trim().toLowerCase();
  const problem = typeProblem(type) ?? parametersProblem(semicolon === -1 ? '' : header.slice(semicolon));
  return problem === undefined ? { type } : { problem: `mime: ${problem}` };
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+/;
const parameter = /^\s*;\s*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)\s*=\s*([!#$%&'*+\-.^_`|~0-9A-Za-z]+|"(?:[^"\\\r\n]|\\.)*")/;

function typeProblem(type: string): string | undefined {
  const main = token.exec(type)?.[0];
  if (main === undefined) return 'no media type';
  const rest = type.slice(main.length);
  if (rest === '') return undefined;
  if (!rest.startsWith('/')) return 'expected slash after first token';
  const subtype = token.exec(rest.slice(1))?.[0];
  if (subtype === undefined) return 'expected token after slash';
  return rest.length === subtype.length + 1 ? undefined : 'unexpected content after media subtype';
}

function parametersProblem(text: string): string | undefined {
  const seen = new Map<string, string>();
  let rest = text;
  while (rest.trim() !== '' && rest.trim() !== ';') {
    const [whole, name = '', value = ''] = parameter.exec(rest) ?? [];
    if (whole === undefined) return 'invalid media parameter';
    const known = seen.get(name.toLowerCase());
    if (known !== undefined && known !== value) return 'duplicate parameter name';
    seen.set(name.toLowerCase(), value);
    rest = rest.slice(whole.length);
  }
  return undefined;
}
