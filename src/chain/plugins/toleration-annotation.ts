import { readExactJson } from '../../json/read-json.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json/json-value.ts';
import { decodeGoJson, type GoStruct } from '../go-json/decode.ts';
import { goJsonSyntaxError } from '../go-json/syntax.ts';

type DecodedTolerations = { readonly tolerations: readonly JsonObject[] } | { readonly problem: string };

/**
 * The tolerations that an annotation lists as JSON, or why they cannot be read, in Go's words. An empty text lists none.
 *
 * They are read by encoding/json itself, to which the case of keys is all one.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/podtolerationrestriction/admission.go, extractNSTolerations.
 */
export function decodeTolerations(text: string): DecodedTolerations {
  if (text === '') return { tolerations: [] };
  const problem = goJsonSyntaxError(Buffer.from(text));
  if (problem !== undefined) return { problem };
  const json = readExactJson(text);
  const type = { kind: 'slice', name: '[]v1.Toleration', element: tolerationType } as const;
  const decoded = decodeGoJson(type, Array.isArray(json) ? json.map(withExactKeys) : json);
  if ('problem' in decoded) return decoded;
  // The type makes it a list of objects; null is an empty one.
  return { tolerations: (decoded.value ?? []) as readonly JsonObject[] };
}

/** Source: k8s.io/api v0.37.2 core/v1/types.go. */
const tolerationType: GoStruct = {
  kind: 'struct',
  name: 'v1.Toleration',
  fields: {
    key: { kind: 'string', name: 'string' },
    operator: { kind: 'string', name: 'v1.TolerationOperator' },
    value: { kind: 'string', name: 'string' },
    effect: { kind: 'string', name: 'v1.TaintEffect' },
    tolerationSeconds: { kind: 'int64', name: 'int64' },
  },
};

const exactKeys: ReadonlyMap<string, string> = new Map(
  Object.keys(tolerationType.fields).map((key) => [key.toLowerCase(), key]),
);

function withExactKeys(toleration: JsonValue): JsonValue {
  if (!isJsonObject(toleration)) return toleration;
  return Object.fromEntries(
    Object.entries(toleration).flatMap(([key, value]) => {
      const exact = exactKeys.get(key.toLowerCase());
      return exact === undefined ? [] : [[exact, value]];
    }),
  );
}
