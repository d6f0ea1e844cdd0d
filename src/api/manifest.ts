import { isMap, LineCounter, parseAllDocuments, type Document, type ScalarTag, type Tags } from 'yaml';
import { rawNumber } from '../json/index.ts';
import { parseApiVersion, type GroupVersionKind } from './resource.ts';
import type { KubernetesObject } from './object-meta.ts';

/** An object read from a manifest, and where it stood. */
export interface Manifest {
  readonly object: KubernetesObject;
  readonly kind: GroupVersionKind;
  readonly file: string;
  readonly line: number;
}

/** Something in a manifest that cannot be read as an object. Lines and columns count from 1. */
export interface ManifestProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export interface ManifestFile {
  readonly manifests: readonly Manifest[];
  readonly problems: readonly ManifestProblem[];
}

/**
 * The API server takes bodies of at most 3 MiB, so no larger object can be stored.
 * Source: apiserver v0.37.2 pkg/server/config.go, MaxRequestBodyBytes.
 */
const maxDocumentBytes = 3 * 1024 * 1024;

/** API objects nest a dozen levels; Kubernetes' JSON decoder gives up at 10,000, and so does our stack somewhere above this. */
const maxDepth = 1000;

/** An anchor that is used more often multiplies itself: 100 is plenty for people and nothing for a bomb. */
const maxAliasCount = 100;

/**
 * Reads the objects of a YAML or JSON text as kubectl does: several documents, `kind: List` taken apart, YAML 1.1 as Go's
 * library reads it (`yes` is true, `010` is 8, `<<` merges; but no dates and no base 60; of a repeated key
 * the last counts). 64-bit integers that a double does not hold become raw JSON numbers.
 *
 * Never throws for what the text says: whatever cannot be read is a problem, and the other documents are still read.
 * Source: sigs.k8s.io/yaml v1.6, k8s.io/cli-runtime v0.37.2 pkg/resource/visitor.go.
 */
export function parseManifests(text: string, file: string): ManifestFile {
  const manifests: Manifest[] = [];
  const problems: ManifestProblem[] = [];
  for (const { source, firstLine } of splitDocuments(text)) {
    const problemAt = (line: number, column: number, message: string): void => {
      problems.push({ file, line: line + firstLine - 1, column, message });
    };
    if (Buffer.byteLength(source) > maxDocumentBytes) {
      problemAt(1, 1, `is larger than 3 MiB, which is more than the API server takes`);
      continue;
    }
    const depth = indentationDepth(source);
    if (depth > maxDepth) {
      problemAt(1, 1, `is nested more than ${maxDepth} levels deep`);
      continue;
    }
    for (const { value, line } of readDocument(source, problemAt)) {
      for (const object of flattenList(value)) {
        const reason = whyNoObject(object);
        if (reason !== undefined) {
          problemAt(line, 1, reason);
          continue;
        }
        // whyNoObject() has just seen that it is one.
        const typed = object as KubernetesObject & { apiVersion: string; kind: string };
        const kind = { ...parseApiVersion(typed.apiVersion), kind: typed.kind };
        manifests.push({ object: typed, kind, file, line: line + firstLine - 1 });
      }
    }
  }
  return { manifests, problems };
}

/** Cut at `---` lines, so that one bad or huge document does not cost the others. */
function splitDocuments(text: string): Array<{ source: string; firstLine: number }> {
  const documents: Array<{ source: string; firstLine: number }> = [];
  const separator = /^---(?=[ \t\r]*(?:#.*)?$)|^---(?=[ \t])/gm;
  let start = 0;
  let line = 1;
  const push = (end: number): void => {
    const source = text.slice(start, end);
    if (/\S/.test(source)) documents.push({ source, firstLine: line });
    line += source.split('\n').length - 1;
    start = end;
  };
  for (const match of text.matchAll(separator)) if (match.index > 0) push(match.index);
  push(text.length);
  return documents;
}

/** An upper bound of the nesting that flow brackets make; block nesting costs its own width in spaces and stays small. */
function indentationDepth(source: string): number {
  let depth = 0;
  let deepest = 0;
  for (let index = 0; index < source.length; index += 1) {
    const code = source.charCodeAt(index);
    if (code === 0x5b || code === 0x7b) deepest = Math.max(deepest, (depth += 1));
    else if (code === 0x5d || code === 0x7d) depth -= 1;
  }
  const widest = Math.max(0, ...(source.match(/^ {500,}/gm) ?? []).map((spaces) => spaces.length));
  const dashes = Math.max(0, ...(source.match(/(?:- ){500,}/g) ?? []).map((run) => run.length / 2));
  return Math.max(deepest, widest, dashes);
}

type ReportProblem = (line: number, column: number, message: string) => void;

function readDocument(source: string, report: ReportProblem): Array<{ value: unknown; line: number }> {
  const lines = new LineCounter();
  let documents: Document[];
  try {
    documents = parseAllDocuments(source, {
      version: '1.1',
      lineCounter: lines,
      intAsBigInt: true,
      merge: true,
      uniqueKeys: false,
      customTags: asGo,
    });
  } catch (error) {
    report(1, 1, `cannot be read: ${error instanceof RangeError ? 'it is nested too deep' : String(error)}`);
    return [];
  }
  return documents.flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) {
      const { line, col } = lines.linePos(error.pos[0]);
      report(line, col, error.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? 'is not YAML');
      return [];
    }
    if (document.contents === null) return [];
    const line = lines.linePos(isMap(document.contents) ? (document.contents.range?.[0] ?? 0) : 0).line;
    try {
      const value: unknown = document.toJS({ maxAliasCount });
      return value === null ? [] : [{ value: plainValue(value), line }];
    } catch (error) {
      report(line, 1, whyNoValue(error));
      return [];
    }
  });
}

function whyNoValue(error: unknown): string {
  if (error instanceof NotJsonValueError) return error.message;
  return error instanceof ReferenceError ? 'has too many aliases' : 'is nested too deep';
}

/** Where Go's library, decoding into nothing typed, differs from YAML 1.1: no timestamps, no base 60, `0o` is octal. */
function asGo(tags: Tags): Tags {
  const kept = tags.filter(
    (tag) => typeof tag === 'string' || (tag.tag !== 'tag:yaml.org,2002:timestamp' && tag.format !== 'TIME'),
  );
  return [newOctal, ...kept];
}

const newOctal: ScalarTag = {
  identify: () => false,
  default: true,
  tag: 'tag:yaml.org,2002:int',
  format: 'OCT',
  test: /^[-+]?0o[0-7_]+$/,
  resolve: (text) => {
    const digits = text.replace(/^[-+]?0o/, '').replaceAll('_', '');
    return BigInt(`0o${digits}`) * (text.startsWith('-') ? -1n : 1n);
  },
};

/** What JSON cannot carry; told with the document's place. */
class NotJsonValueError extends Error {}

/** YAML integers came as bigint: small ones become numbers, those of 64 bits keep their digits, as Go's do. */
function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    const fits = value >= -(2n ** 63n) && value < 2n ** 64n;
    return Number.isSafeInteger(number) || !fits ? number : rawNumber(value.toString());
  }
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new NotJsonValueError('holds a number that JSON cannot carry');
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value !== 'object' || value === null) return value;
  const result: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    // Defined, not assigned: a key may be called `__proto__`.
    Object.defineProperty(result, key, {
      value: plainValue(member),
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return result;
}

function flattenList(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null || !('items' in value) || !Array.isArray(value.items)) return [value];
  const isList = 'kind' in value && typeof value.kind === 'string' && value.kind.endsWith('List');
  return isList ? value.items.flatMap(flattenList) : [value];
}

function whyNoObject(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return 'is not an object; expected apiVersion, kind and metadata';
  const { apiVersion, kind, metadata } = value as Record<string, unknown>;
  if (typeof apiVersion !== 'string' || apiVersion === '') return 'has no apiVersion';
  if (typeof kind !== 'string' || kind === '') return 'has no kind';
  if (metadata !== undefined && (typeof metadata !== 'object' || metadata === null))
    return 'has metadata that is no object';
  return undefined;
}
