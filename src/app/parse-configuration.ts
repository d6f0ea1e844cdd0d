import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type Document, type Scalar } from 'yaml';
import { z } from 'zod';
import { InvalidConfigurationError } from './errors.ts';
import { nearest } from './nearest.ts';

/**
 * Reads YAML text as a configuration. `file` is where it stands, for messages.
 *
 * Throws {@link InvalidConfigurationError} listing everything that is wrong, each with file and line; for an unknown key
 * also the nearest known one.
 */
export function parseConfiguration<S extends z.ZodType>(schema: S, text: string, file: string): z.output<S> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const syntax = document.errors.map(
    (error) => `${file}:${lines.linePos(error.pos[0]).line}: ${firstLine(error.message)}`,
  );
  if (syntax.length > 0) throw new InvalidConfigurationError(syntax.join('\n'));
  // Read once: code made for the schema would cost more than it saves.
  const parsed = schema.safeParse(valueOf(document, file), { jitless: true });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap((issue) => describe(issue, document, lines, file, schema));
  throw new InvalidConfigurationError(problems.join('\n'));
}

/** Aliases are bounded, so that a small file cannot become a large value. */
function valueOf(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    const problem = cause instanceof Error ? firstLine(cause.message) : 'is not YAML';
    throw new InvalidConfigurationError(`${file}: ${problem}`, { cause });
  }
}

function describe(
  issue: z.core.$ZodIssue,
  document: Document,
  lines: LineCounter,
  file: string,
  schema: z.ZodType,
): string[] {
  const at = (path: readonly PropertyKey[]): string => `${file}:${lineOf(document, lines, path)}`;
  const field = formatPath(issue.path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const known = knownKeys(schema, issue.path);
      const meant = nearest(key, known);
      const hint = meant === undefined ? `known are ${known.join(', ')}` : `did you mean "${meant}"?`;
      return `${at([...issue.path, key])}: ${formatPath([...issue.path, key])}: unknown key; ${hint}`;
    });
  }
  return [`${at(issue.path)}: ${field === '' ? '' : `${field}: `}${firstLine(issue.message)}`];
}

/** Of a key that is there its own line; of one that is missing the line of what should hold it. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (pair === undefined) break;
      // Found one line above: a scalar.
      offset = (pair.key as Scalar).range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      offset = (isNode(node) ? node.range?.[0] : undefined) ?? offset;
    }
  }
  return lines.linePos(offset).line;
}

/** The keys that the schema has at a path, through defaults and unions. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let schemas: z.core.$ZodType[] = [schema];
  for (const key of path)
    schemas = schemas.flatMap((each) => shapesOf(each).flatMap((shape) => shape[String(key)] ?? []));
  return [...new Set(schemas.flatMap((each) => shapesOf(each).flatMap((shape) => Object.keys(shape))))];
}

function shapesOf(schema: z.core.$ZodType): Array<Readonly<Record<string, z.core.$ZodType>>> {
  if (schema instanceof z.ZodObject) return [schema.shape];
  if (schema instanceof z.ZodDiscriminatedUnion) return schema.options.flatMap((option) => shapesOf(option));
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return shapesOf(schema.def.innerType);
  }
  return [];
}

function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${String(key)}`))
    .join('');
}

function firstLine(message: string): string {
  return message.split('\n')[0] ?? message;
}
