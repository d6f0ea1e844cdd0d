import { isRawNumber, numberText, type RawNumber } from '../json/raw-number.ts';
import { UncountableObjectError } from './errors.ts';

/*
 * Objects come as users wrote them: a field may be null, which is the same as absent, or of a type that its schema does
 * not allow. Numbers may be kept as text.
 */

/** The elements of a list; none where it is absent. Throws {@link UncountableObjectError} when it is no list. */
export function listAt<Element>(
  value: readonly Element[] | null | undefined,
  field: string,
): readonly NonNullable<Element>[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw new UncountableObjectError(field, 'expected a list');
  return value.filter((element) => element !== null && element !== undefined) as NonNullable<Element>[];
}

/** An integer; undefined where it is absent. Throws {@link UncountableObjectError} when it is none. */
export function integerAt(value: number | RawNumber | null | undefined, field: string): bigint | undefined {
  if (value === null || value === undefined) return undefined;
  const text = typeof value === 'number' || isRawNumber(value) ? numberText(value) : '';
  if (!/^-?[0-9]{1,20}$/.test(text)) throw new UncountableObjectError(field, 'expected an integer');
  return BigInt(text);
}
