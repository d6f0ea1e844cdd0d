/**
 * Durations and timestamps as Go reads and prints them.
 *
 * Source: Go time.ParseDuration, time.Parse and Time.Format with RFC 3339.
 */
import { Duration, Timestamp } from '../values.ts';
import { MAX_INT } from './number-text.ts';

const NANOSECONDS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['\u00b5s', 1_000n],
  ['\u03bcs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, in seconds since 1970. */
export const MIN_TIMESTAMP_SECONDS = -62_135_596_800;
export const MAX_TIMESTAMP_SECONDS = 253_402_300_799;

/** time.ParseDuration, such as `-1h1.5s`; undefined where it fails. */
export function parseDuration(text: string): Duration | undefined {
  const [, sign = '', magnitude = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (magnitude === '0') return new Duration(0n);
  if (!/^(?:(?:\d+(?:\.\d*)?|\.\d+)[^\d.]+)+$/.test(magnitude)) return undefined;
  let total = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of magnitude.matchAll(/(\d*)\.?(\d*)([^\d.]+)/g)) {
    const nanoseconds = NANOSECONDS.get(unit);
    if (nanoseconds === undefined) return undefined;
    total += BigInt(whole === '' ? 0 : whole) * nanoseconds;
    if (fraction !== '') total += (BigInt(fraction) * nanoseconds) / 10n ** BigInt(fraction.length);
  }
  if (total > MAX_INT && !(sign === '-' && total === MAX_INT + 1n)) return undefined;
  return new Duration(sign === '-' ? -total : total);
}

/**
 * time.Parse with RFC 3339; undefined where it fails. Go is more lenient than the RFC: one-digit hours, a comma before
 * the fraction, offsets up to 24:60. The result may lie in the year 0, which CEL does not take.
 */
export function parseTimestamp(text: string): Timestamp | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d?):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))$/.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const [, , , , , , , fraction = '', sign, offsetHours = '0', offsetMinutes = '0'] = match;
  if (hour > 23 || minute > 59 || second > 59 || Number(offsetHours) > 24 || Number(offsetMinutes) > 60)
    return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const offset = (Number(offsetHours) * 3600 + Number(offsetMinutes) * 60) * (sign === '-' ? -1 : 1);
  const seconds = date.getTime() / 1000 + hour * 3600 + minute * 60 + second - offset;
  return new Timestamp(seconds, Number(fraction.slice(0, 9).padEnd(9, '0')), offset);
}

/** Time.Format(time.RFC3339Nano), in the zone the timestamp was written in. */
export function formatTimestamp({ seconds, nanoseconds, offsetSeconds }: Timestamp): string {
  const local = new Date((seconds + offsetSeconds) * 1000);
  const pad = (value: number, length = 2) => String(value).padStart(length, '0');
  const date = `${pad(local.getUTCFullYear(), 4)}-${pad(local.getUTCMonth() + 1)}-${pad(local.getUTCDate())}`;
  const time = `${pad(local.getUTCHours())}:${pad(local.getUTCMinutes())}:${pad(local.getUTCSeconds())}`;
  const fraction = nanoseconds === 0 ? '' : `.${pad(nanoseconds, 9).replace(/0+$/, '')}`;
  if (offsetSeconds === 0) return `${date}T${time}${fraction}Z`;
  const minutes = Math.trunc(Math.abs(offsetSeconds) / 60);
  const zone = `${offsetSeconds < 0 ? '-' : '+'}${pad(Math.trunc(minutes / 60))}:${pad(minutes % 60)}`;
  return `${date}T${time}${fraction}${zone}`;
}
