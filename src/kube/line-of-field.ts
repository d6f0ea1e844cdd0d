import { isMap, isNode, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml';

/**
 * The line, from 1, of a field of the object that begins at `objectLine` of a YAML text; of the nearest field around it
 * that is there, where it is missing.
 */
export function lineOfField(text: string, objectLine: number, path: readonly PropertyKey[]): number {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, version: '1.1', logLevel: 'silent' });
  const lineOf = (offset: number | undefined) => (offset === undefined ? objectLine : lines.linePos(offset).line);
  const root = documents
    .map(({ contents }) => contents)
    .find((node) => isMap(node) && lineOf(node.range?.[0]) === objectLine);
  let line = objectLine;
  let node: unknown = root;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === step);
      if (pair === undefined || !isScalar(pair.key)) return line;
      line = lineOf(pair.key.range?.[0]);
      node = pair.value;
    } else if (isSeq(node) && typeof step === 'number') {
      node = node.items[step];
      if (!isNode(node)) return line;
      line = lineOf(node.range?.[0]);
    } else {
      return line;
    }
  }
  return line;
}
