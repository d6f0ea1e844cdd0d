import {
  dns1035LabelProblems,
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  labelValueProblems,
  qualifiedNameProblems,
} from '../../api/names.ts';
import { decodeUtf8, encodeUtf8 } from './byte-string.ts';
import { Failure } from './failure.ts';
import { parseRequestURI } from './go-url.ts';

/** A form that strings may have. */
export interface NamedFormat {
  /** What tells two formats apart; not how expressions name it. */
  readonly name: string;
  /** What is wrong with `text`; [] when it has the form. */
  readonly problems: (text: string) => readonly string[];
  /** Length of a regular expression that would be as costly to match. */
  readonly regexSize: number;
}

/**
 * The formats by the name that expressions use.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/cel/library/format.go, ConstantFormats; k8s.io/kube-openapi
 * pkg/validation/strfmt for uuid, byte, date and datetime.
 */
export const namedFormats: ReadonlyMap<string, NamedFormat> = new Map<string, NamedFormat>([
  ['dns1123Label', { name: 'DNS1123Label', problems: dns1123LabelProblems, regexSize: 30 }],
  ['dns1123Subdomain', { name: 'DNS1123Subdomain', problems: dns1123SubdomainProblems, regexSize: 60 }],
  ['dns1035Label', { name: 'DNS1035Label', problems: dns1035LabelProblems, regexSize: 30 }],
  ['qualifiedName', { name: 'QualifiedName', problems: qualifiedNameProblems, regexSize: 60 }],
  ['dns1123LabelPrefix', { name: 'DNS1123LabelPrefix', problems: prefixOf(dns1123LabelProblems), regexSize: 30 }],
  [
    'dns1123SubdomainPrefix',
    { name: 'DNS1123SubdomainPrefix', problems: prefixOf(dns1123SubdomainProblems), regexSize: 60 },
  ],
  ['dns1035LabelPrefix', { name: 'DNS1035LabelPrefix', problems: prefixOf(dns1035LabelProblems), regexSize: 30 }],
  ['labelValue', { name: 'LabelValue', problems: labelValueProblems, regexSize: 40 }],
  // 1103, 84: the lengths of the patterns for URLs and base64 in github.com/asaskevich/govalidator.
  ['uri', { name: 'URI', problems: uriProblems, regexSize: 1103 }],
  ['uuid', { name: 'uuid', problems: unless(isUuid, 'does not match the UUID format'), regexSize: 70 }],
  ['byte', { name: 'byte', problems: unless(isBase64, 'invalid base64'), regexSize: 84 }],
  // 71: the length of strfmt.DateTimePattern, for both.
  ['date', { name: 'date', problems: unless(isDate, 'invalid date'), regexSize: 71 }],
  ['datetime', { name: 'datetime', problems: unless(isDateTime, 'invalid datetime'), regexSize: 71 }],
]);

/** Names to which something is appended may end in a dash. Go: apimachinery pkg/api/validation, maskTrailingDash. */
function prefixOf(problems: NamedFormat['problems']): NamedFormat['problems'] {
  return (text) => {
    if (!/[^]-$/.test(text)) return problems(text);
    // The server replaces the last two bytes, not just the dash.
    return problems(`${decodeUtf8(encodeUtf8(text).slice(0, -2))}a`);
  };
}

function unless(isValid: (text: string) => boolean, problem: string): NamedFormat['problems'] {
  return (text) => (isValid(text) ? [] : [problem]);
}

function uriProblems(text: string): string[] {
  const url = parseRequestURI(encodeUtf8(text));
  return url instanceof Failure ? [url.message] : [];
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text);
}

/** Standard base64 with padding; the empty text is none. */
function isBase64(text: string): boolean {
  return text !== '' && text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

/** `2006-01-02`, a day that exists. */
function isDate(text: string): boolean {
  const [, year, month, day] = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text)?.map(Number) ?? [];
  if (year === undefined || month === undefined || day === undefined || month < 1 || month > 12) return false;
  const isLeapYear = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, isLeapYear ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  return day >= 1 && day <= (days[month - 1] ?? 0);
}

/**
 * A date, "t" and a time with zone. As in strfmt.IsDateTime, any character may stand for the decimal point, the zone's
 * hours are not checked, and whatever follows a second "t" does not count.
 */
function isDateTime(text: string): boolean {
  const [date = '', time = ''] = text.split(/t/i);
  const [, hour, minute, second] =
    /^([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[^\n][0-9]+)?(?:z|[+-][0-9]{2}:[0-9]{2})$/iu.exec(time) ?? [];
  if (hour === undefined || minute === undefined || second === undefined) return false;
  return isDate(date) && hour <= '23' && minute <= '59' && second <= '59';
}
