/**
 * The expressions of this folder, and what the API server's CEL made of them.
 *
 * Written by tools/control-plane/cmd/golden-cel, which says what the files hold.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readExactJson } from '../../../src/json/index.ts';
import type { AuthorizerDecision } from '../../../src/cel/index.ts';
import type { JsonValue } from '../../../src/json/index.ts';

/** Expressions that see the same variables. */
export interface Group {
  readonly about?: string;
  readonly variables?: {
    readonly object?: JsonValue;
    readonly oldObject?: JsonValue;
    readonly namespaceObject?: JsonValue;
    readonly request?: RequestVariable;
  };
  readonly authorizer?: {
    readonly username: string;
    readonly groups?: string[];
    readonly decisions: readonly DecisionRule[];
  };
  readonly resultType?: 'bool';
  readonly expressions: readonly string[];
}

export type RequestVariable = { [key: string]: JsonValue } & {
  readonly resource: { readonly group: string; readonly resource: string };
  readonly subResource?: string;
  readonly namespace: string;
  readonly name: string;
};

/** A decision, and what a question must be for it to be taken; what is absent does not matter. */
export interface DecisionRule {
  readonly username?: string;
  readonly verb?: string;
  readonly path?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
  readonly decision: AuthorizerDecision['decision'];
  readonly reason?: string;
  readonly error?: string;
}

/** What became of an expression: it did not compile, or was evaluated. */
export interface Recorded {
  readonly expression: string;
  /** The compiler panicked. */
  readonly compilePanic?: string;
  readonly compileError?: string;
  readonly error?: string;
  readonly value?: EncodedValue;
  readonly cost?: number;
  /** Several evaluations gave several results: it depends on the order of a map, which Go shuffles. */
  readonly unstable?: boolean;
}

/** A value with its type: a text, a list of values, a list of pairs, or nothing to be said. */
export interface EncodedValue {
  readonly type: string;
  readonly value?: unknown;
}

export interface RecordedFile {
  readonly name: string;
  readonly groups: readonly Group[];
  readonly results: readonly (readonly Recorded[])[];
}

/** All files of expressions, with what was recorded for them. */
export function readRecordedFiles(): readonly RecordedFile[] {
  const { results } = JSON.parse(read('results.json')) as {
    readonly results: Readonly<Record<string, readonly Recorded[][]>>;
  };
  return readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.json') && name !== 'results.json')
    .map((name) => ({
      name,
      // Numbers keep their text: 1.0 is a double and 1 an int.
      groups: readExactJson(read(name)) as unknown as readonly Group[],
      results: results[name] ?? [],
    }));
}

function read(file: string): string {
  return readFileSync(join(import.meta.dirname, file), 'utf8');
}
