/**
 * What a clock in another zone shows: the getters of timestamps.
 *
 * Source: cel-go v0.29.2 common/stdlib/standard.go, inTimeZone.
 */
import { EvaluationError } from '../values.ts';
import type { Timestamp } from '../values.ts';

/**
 * `timestamp` as a Date whose UTC fields read as the clock in `zone` does: an IANA name, or `+05:30`.
 *
 * Not copied: Go finds names in files, so their case counts; here it counts only for names that are spelled out in
 * the zone table of the runtime.
 */
export function inTimeZone(timestamp: Timestamp, zone: string): Date | EvaluationError {
  const colon = zone.indexOf(':');
  const offset = colon === -1 ? namedOffset(timestamp, zone) : numericOffset(zone, colon);
  if (offset instanceof EvaluationError) return offset;
  return new Date((timestamp.seconds + offset) * 1000 + Math.floor(timestamp.nanoseconds / 1e6));
}

/** Seconds east of UTC. */
function numericOffset(zone: string, colon: number): number | EvaluationError {
  const hours = parseNumber(zone.slice(0, colon));
  if (hours instanceof EvaluationError) return hours;
  const minutes = parseNumber(zone.slice(colon + 1));
  if (minutes instanceof EvaluationError) return minutes;
  return (hours * 60 + (zone.startsWith('-') ? -minutes : minutes)) * 60;
}

function parseNumber(text: string): number | EvaluationError {
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  return new EvaluationError(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
}

function namedOffset(timestamp: Timestamp, zone: string): number | EvaluationError {
  // "Local" is the zone of the machine; API servers run in UTC.
  if (zone === '' || zone === 'UTC' || zone === 'Local') return 0;
  if (zone.includes('..') || /^[/\\]/.test(zone)) return new EvaluationError('time: invalid location name');
  const format = dateFormat(zone);
  const canonical = format?.resolvedOptions().timeZone ?? '';
  const differsInCase = canonical !== zone && canonical.toLowerCase() === zone.toLowerCase();
  if (format === undefined || differsInCase || zone === zone.toLowerCase() || /^[+-]/.test(zone)) {
    return new EvaluationError(`unknown time zone ${zone}`);
  }
  const parts = new Map(format.formatToParts(timestamp.seconds * 1000).map(({ type, value }) => [type, value]));
  const field = (name: Intl.DateTimeFormatPartTypes) => Number(parts.get(name));
  const local = new Date(0);
  local.setUTCFullYear(parts.get('era') === 'BC' ? 1 - field('year') : field('year'), field('month') - 1, field('day'));
  local.setUTCHours(field('hour'), field('minute'), field('second'));
  return local.getTime() / 1000 - timestamp.seconds;
}

function dateFormat(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
