import { parseAllDocuments } from 'yaml';
import type { AdmissionResponseBody, ReviewVersion } from '../../api/admission-review.ts';
import { quote } from '../../api/go-quote.ts';
import type { Status } from '../../api/status.ts';
import { asJson, NotJsonError } from '../../json/as-json.ts';
import { isJsonObject, type JsonValue } from '../../json/json-value.ts';
import { readExactJson } from '../../json/read-json.ts';
import { decodeGoJson, type GoStruct } from '../go-json/decode.ts';
import { goJsonSyntaxError } from '../go-json/syntax.ts';
import { interpretTypeMeta, type TypeMeta } from '../go-json/type-meta.ts';
import { admissionReviewType, statusType } from './review-type.ts';

/** An AdmissionReview as a webhook sent it, its fields of the right types; those Go does not know are gone. */
export interface ReceivedReview {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly response?: ReceivedResponse;
}

/** `response`, of which nothing is sure but the types: `patchType` may be any text, `allowed` and `uid` may be absent. */
export type ReceivedResponse = Omit<Partial<AdmissionResponseBody>, 'patchType'> & { readonly patchType?: string };

export type DecodedBody<Value> = { readonly value: Value } | { readonly problem: string };

/**
 * Reads the body of a webhook's answer to a review of `version`.
 *
 * JSON when it begins with a brace, YAML otherwise, as the API server has it. `problem` is the API server's text. For
 * YAML that cannot be read it is the text of our own YAML library.
 *
 * Source: k8s.io/apimachinery v0.37.2 pkg/runtime/serializer: recognizer, json and versioning.
 */
export function decodeReview(body: Uint8Array, version: ReviewVersion): DecodedBody<ReceivedReview> {
  const document = readDocument(body);
  if ('problem' in document) return document;
  const typeMeta = interpretTypeMeta(document.value);
  if ('problem' in typeMeta) return typeMeta;
  const own = { apiVersion: `admission.k8s.io/${version}`, kind: 'AdmissionReview' };
  const { apiVersion, kind } = withDefaults(typeMeta.value, own);
  const type = registeredTypes.get(`${apiVersion} ${kind}`) ?? unversionedTypes.get(kind);
  if (type === undefined) {
    return {
      problem: `no kind ${quote(kind)} is registered for version ${quote(apiVersion)} in scheme ${quote(schemeName)}`,
    };
  }
  const decoded = decodeGoJson(type, document.value);
  if ('problem' in decoded) return decoded;
  const ownType = admissionReviewType(version);
  if (type.name !== ownType.name)
    return { problem: `converting (${type.name}) to (${ownType.name}): unknown conversion` };
  // decodeGoJson has given every field the type the struct declares.
  return { value: (decoded.value ?? {}) as ReceivedReview };
}

/** Go calls a scheme after the line that made it. */
const schemeName = 'pkg/runtime/scheme.go:111';

/**
 * What the API server's scheme for webhooks knows, as far as a webhook may ever send it: both AdmissionReviews, and the
 * types that every scheme has. Of the latter no field matters, since no conversion leads from them to a review.
 */
const registeredTypes: ReadonlyMap<string, GoStruct> = new Map(
  (['v1', 'v1beta1'] as const).flatMap((version): [string, GoStruct][] => [
    [`admission.k8s.io/${version} AdmissionReview`, admissionReviewType(version)],
    ...[
      'WatchEvent',
      'ListOptions',
      'GetOptions',
      'DeleteOptions',
      'CreateOptions',
      'UpdateOptions',
      'PatchOptions',
    ].map((kind): [string, GoStruct] => [
      `admission.k8s.io/${version} ${kind}`,
      { kind: 'struct', name: `v1.${kind}`, fields: {} },
    ]),
  ]),
);

const unversionedTypes: ReadonlyMap<string, GoStruct> = new Map(
  ['Status', 'APIVersions', 'APIGroupList', 'APIGroup', 'APIResourceList'].map((kind) => [
    kind,
    kind === 'Status' ? statusType : { kind: 'struct', name: `v1.${kind}`, fields: {} },
  ]),
);

/** The Status in the body of an HTTP error, when it is one that says Failure. Source: client-go v0.37.2 rest/request.go, Result.Error. */
export function decodeFailureStatus(body: Uint8Array): Status | undefined {
  const document = readDocument(body);
  if ('problem' in document || !isJsonObject(document.value)) return undefined;
  // Every group and version has this kind, in the API server's scheme.
  const { kind, status } = document.value;
  if (kind !== 'Status' || status !== 'Failure') return undefined;
  const decoded = decodeGoJson(statusType, document.value);
  // As above.
  return 'problem' in decoded ? undefined : (decoded.value as Status);
}

/** Source: pkg/runtime/serializer/recognizer and json.Serializer.RecognizesData. */
function readDocument(body: Uint8Array): DecodedBody<JsonValue> {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(body);
  if (!text.trimStart().startsWith('{') || text.startsWith('\ufeff')) return readYaml(text);
  const problem = goJsonSyntaxError(body);
  if (problem !== undefined) return { problem: `couldn't get version/kind; json parse error: ${problem}` };
  return { value: readExactJson(text) };
}

/** Kubernetes reads YAML 1.1, where `yes` is true; of several documents it takes the first. Times stay texts. */
function readYaml(text: string): DecodedBody<JsonValue> {
  try {
    const [document] = parseAllDocuments(text, {
      version: '1.1',
      // Their messages would quote the text, Secrets and all.
      prettyErrors: false,
      customTags: (tags) => tags.filter((tag) => tag !== 'timestamp'),
    });
    const [error] = document?.errors ?? [];
    if (error !== undefined) return { problem: `yaml: ${error.message}` };
    // YAML 1.1 without times and with text keys is JSON; NaN and the like are what asJson refuses.
    return { value: asJson(document?.toJS() ?? null) };
  } catch (error) {
    // Too many aliases, or what JSON cannot carry.
    if (error instanceof ReferenceError || error instanceof NotJsonError) return { problem: `yaml: ${error.message}` };
    throw error;
  }
}

/** Source: pkg/runtime/serializer/json/json.go, gvkWithDefaults. */
function withDefaults({ apiVersion, kind }: TypeMeta, own: TypeMeta): TypeMeta {
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const [ownGroup] = own.apiVersion.split('/');
  const isVersionOpen = version === '' && (group === '' || group === ownGroup);
  return { apiVersion: isVersionOpen ? own.apiVersion : apiVersion, kind: kind === '' ? own.kind : kind };
}
