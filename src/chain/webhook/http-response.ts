import { quote } from '../../api/go-quote.ts';
import { newInternalError } from '../status-error.ts';
import type { WebhookResponse } from './client.ts';
import { parseMediaType } from './media-type.ts';
import { decodeFailureStatus } from './review-decoder.ts';

/** The body of a successful answer, or why the API server takes the answer for none. */
export type ResponseBody = { readonly body: Uint8Array } | { readonly problem: string };

/**
 * Looks at the outside of an HTTP answer: media type, status, whether there is a body at all.
 *
 * 200 to 206 are successes. Of any other status the text is the one client-go has for it, unless the body is a
 * `metav1.Status` that says Failure: then its message is.
 *
 * Source: k8s.io/client-go v0.37.2 rest/request.go, transformResponse, Result.Into and Result.Error.
 */
export function readResponse({ status, headers, body }: WebhookResponse): ResponseBody {
  const header = headers['content-type'] ?? '';
  // Without the header the client takes what it sent itself.
  const contentType = header === '' ? 'application/json' : header;
  const mediaType = parseMediaType(contentType);
  if ('problem' in mediaType) return { problem: newInternalError(mediaType.problem).message ?? '' };
  if (status < 200 || status > 206) {
    const failure = body.length > 0 ? decodeFailureStatus(body) : undefined;
    if (failure !== undefined) return { problem: failure.message ?? '' };
    const isText = header === '' || mediaType.type.startsWith('text/');
    return { problem: statusProblem(status, isText ? trimmedText(body) : 'unknown') };
  }
  if (body.length === 0) {
    return { problem: `0-length response with status code: ${status} and content type: ${contentType}` };
  }
  return { body };
}

/** Seconds after which the request is to be sent again; undefined when it is not. Source: rest/with_retry.go, checkWait. */
export function retryAfterSeconds({ status, headers }: WebhookResponse): number | undefined {
  const header = headers['retry-after'] ?? '';
  if (status !== 429 && status < 500) return undefined;
  return /^[+-]?[0-9]{1,18}$/.test(header) ? Number(header) : undefined;
}

/** Source: rest/request.go, maxUnstructuredResponseTextBytes. */
const maxTextBytes = 2048;

function trimmedText(body: Uint8Array): string {
  return new TextDecoder().decode(body.subarray(0, maxTextBytes)).trim();
}

/** Source: k8s.io/apimachinery v0.37.2 pkg/api/errors/errors.go, NewGenericServerResponse with verb POST and no resource. */
function statusProblem(status: number, text: string): string {
  switch (status) {
    case 400:
      return 'the server rejected our request for an unknown reason';
    case 401:
      return 'the server has asked for the client to provide credentials';
    case 403:
    case 415:
      return text;
    case 404:
      return 'the server could not find the requested resource';
    case 405:
      return 'the server does not allow this method on the requested resource';
    case 406:
      return text === '' || text === 'unknown'
        ? 'the server was unable to respond with a content type that the client supports'
        : text;
    case 409:
      return 'the server reported a conflict';
    case 422:
      return 'the server rejected our request due to an error in our request';
    case 429:
      return 'the server has received too many requests and has asked us to try again later';
    case 503:
      return 'the server is currently unable to handle the request';
    case 504:
      return 'the server was unable to return a response in the time allotted, but may still be processing the request';
    default:
      return status >= 500
        ? `an error on the server (${quote(text)}) has prevented the request from succeeding`
        : `the server responded with the status code ${status} but did not return more information`;
  }
}
