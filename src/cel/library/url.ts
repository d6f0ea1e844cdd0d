import { scanCost } from '../cost.ts';
import { globalOverload, memberOverload } from '../function.ts';
import { ArrayList } from '../list.ts';
import { EntryMap } from '../map.ts';
import { BoolType, StringType, listType, mapType, objectType } from '../types.ts';
import { EvaluationError, OpaqueValue, noSuchOverload } from '../values.ts';
import { decodeUtf8, encodeUtf8 } from './byte-string.ts';
import { Failure } from './failure.ts';
import { escapedPath, formatURL, hostname, parseRequestURI, parseURL, port, queryOf } from './go-url.ts';
import type { Library } from '../environment.ts';
import type { Type } from '../types.ts';
import type { Value } from '../values.ts';
import type { ByteString } from './byte-string.ts';
import type { GoUrl } from './go-url.ts';

/** A URL: what `url("https://example.com/")` gives. */
class UrlValue extends OpaqueValue {
  override readonly type = UrlType;
  readonly url: GoUrl;

  constructor(url: GoUrl) {
    super();
    this.url = url;
  }

  override equals(other: Value): boolean | EvaluationError {
    return other instanceof UrlValue ? formatURL(this.url) === formatURL(other.url) : noSuchOverload();
  }
}

const UrlType: Type<UrlValue> = objectType('kubernetes.URL');

/**
 * `url`, `isURL`, `getScheme`, `getHost`, `getHostname`, `getPort`, `getEscapedPath`, `getQuery`.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/cel/library/urls.go.
 */
export const urlLibrary: Library = {
  name: 'kubernetes.urls',
  functions: [
    {
      name: 'url',
      cost: (_, [text]) => scanCost(text),
      overloads: [globalOverload('string_to_url', [StringType], UrlType, toUrl)],
    },
    {
      // No cost of its own in cost.go: 1, whatever the length.
      name: 'isURL',
      overloads: [
        globalOverload(
          'is_url_string',
          [StringType],
          BoolType,
          (text) => !(parseRequestURI(encodeUtf8(text)) instanceof Failure),
        ),
      ],
    },
    getter('getScheme', 'url_get_scheme', (url) => url.scheme),
    getter('getHost', 'url_get_host', (url) => url.host),
    getter('getHostname', 'url_get_hostname', hostname),
    getter('getPort', 'url_get_port', port),
    getter('getEscapedPath', 'url_get_escaped_path', escapedPath),
    {
      name: 'getQuery',
      cost: () => 1,
      overloads: [
        memberOverload('url_get_query', [UrlType], mapType(StringType, listType(StringType)), ({ url }) =>
          queryMap(queryOf(url)),
        ),
      ],
    },
  ],
};

function queryMap(query: ReadonlyMap<ByteString, readonly ByteString[]>): EntryMap {
  return new EntryMap(Array.from(query, ([key, values]) => [decodeUtf8(key), new ArrayList(values.map(decodeUtf8))]));
}

function toUrl(text: string): UrlValue | EvaluationError {
  const raw = encodeUtf8(text);
  // First as strictly as a server reads it, which takes no relative URL; that reading knows no fragment.
  const strict = parseRequestURI(raw);
  const url = strict instanceof Failure ? strict : parseURL(raw);
  if (!(url instanceof Failure)) return new UrlValue(url);
  return new EvaluationError(`URL parse error during conversion from string: ${url.message}`);
}

function getter(name: string, overloadId: string, get: (url: GoUrl) => ByteString): Library['functions'][number] {
  return {
    name,
    cost: () => 1,
    overloads: [memberOverload(overloadId, [UrlType], StringType, ({ url }) => decodeUtf8(get(url)))],
  };
}
