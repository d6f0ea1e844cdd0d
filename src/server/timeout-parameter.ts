/**
 * Milliseconds of a duration as Go prints and reads it: `10s`, `1m0s`, `500ms`, `1.5h`. Undefined when it is none.
 *
 * A number without a unit is refused, except `0`; so is a negative duration, which cannot be waited for. Written by hand
 * because it is read for every request.
 * Source: Go `time.ParseDuration`.
 */
export function parseGoDuration(text: string): number | undefined {
  const start = text.startsWith('+') ? 1 : 0;
  if (text.slice(start) === '0') return 0;
  let milliseconds = 0;
  let index = start;
  do {
    const amountStart = index;
    while (isPartOfNumber(text.charCodeAt(index))) index += 1;
    const amount = Number(text.slice(amountStart, index));
    const unit = units.find(([name]) => text.startsWith(name, index));
    // Number('') is 0, and Number('.') and Number('1.2.3') are NaN.
    if (index === amountStart || Number.isNaN(amount) || unit === undefined) return undefined;
    milliseconds += amount * unit[1];
    index += unit[0].length;
  } while (index < text.length);
  return milliseconds;
}

/** A digit or the point. */
function isPartOfNumber(code: number): boolean {
  return (code >= 48 && code <= 57) || code === 46;
}

/** Milliseconds of each unit; `ms` stands before `m`, which it begins with. Both letters for micro that Go takes are here. */
const units: ReadonlyArray<readonly [string, number]> = [
  ['s', 1000],
  ['ms', 1],
  ['m', 60_000],
  ['h', 3_600_000],
  ['us', 1e-3],
  ['\u00b5s', 1e-3],
  ['\u03bcs', 1e-3],
  ['ns', 1e-6],
];

/**
 * How long the caller waits, in milliseconds, from the `timeout` parameter of a request target: the API server adds it
 * to every call (`/mutate/pods?timeout=10s`), rounded up to a whole second.
 *
 * A parameter that is absent or zero says nothing. Source: apiserver v0.37.2
 * `pkg/admission/plugin/webhook/mutating/dispatcher.go` callAttrMutatingHook.
 */
export function callerTimeout(query: string): number | 'absent' | 'invalid' {
  const found = query.startsWith(parameter) ? 0 : query.indexOf(`&${parameter}`);
  if (found === -1) return 'absent';
  const start = query.indexOf('=', found) + 1;
  const end = query.indexOf('&', start);
  const text = end === -1 ? query.slice(start) : query.slice(start, end);
  const milliseconds = parseGoDuration(text.includes('%') ? percentDecoded(text) : text);
  if (milliseconds === undefined) return 'invalid';
  return milliseconds === 0 ? 'absent' : milliseconds;
}

const parameter = 'timeout=';

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

/** The API server never waits longer for a webhook. Source: api v0.37.2 admissionregistration/v1 `timeoutSeconds`. */
const longestTimeoutMilliseconds = 30_000;

/**
 * How long a request may take here, in milliseconds from its headers, so that the answer is still awaited when it arrives.
 *
 * A tenth of the caller's time is kept back, between 50 ms and 1 s: the caller's clock started before it connected, shook
 * hands and sent the body, and after our answer it still has to receive and apply it. A caller that waits less than
 * 100 ms gets half of it. What cannot be known is an API server whose own request ends sooner than its webhook's timeout:
 * it rounds what is left up to a second. It hangs up then, which ends the request here as well.
 */
export function timeToAnswer(timeoutMilliseconds: number): number {
  const timeout = Math.min(timeoutMilliseconds, longestTimeoutMilliseconds);
  return timeout - Math.min(timeout / 2, Math.max(50, Math.min(1000, timeout / 10)));
}
