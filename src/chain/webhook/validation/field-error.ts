import { quote } from '../../../api/go-quote.ts';
import type { JsonValue } from '../../../json/json-value.ts';
import { escapeForHtml } from '../../go-json/compact.ts';

export type FieldErrorType =
  'Required' | 'Invalid' | 'Duplicate' | 'NotSupported' | 'TooMany' | 'Forbidden' | 'TooLong';

/** One thing that is wrong with an object. */
export interface FieldError {
  /** The path: `webhooks[0].rules[1].operations`. */
  readonly field: string;
  readonly type: FieldErrorType;
  /** The API server's text, without field, type and value; often empty. */
  readonly detail: string;
  /** What stands there, for the types that show it. */
  readonly value?: JsonValue;
}

/** Source for these: k8s.io/apimachinery v0.37.2 pkg/util/validation/field/errors.go. */
export function required(field: string, detail = ''): FieldError {
  return { field, type: 'Required', detail };
}

export function invalid(field: string, value: JsonValue, detail: string): FieldError {
  return { field, type: 'Invalid', detail, value };
}

export function duplicate(field: string, value: string): FieldError {
  return { field, type: 'Duplicate', detail: '', value };
}

export function forbidden(field: string, detail: string): FieldError {
  return { field, type: 'Forbidden', detail };
}

export function tooMany(field: string, actual: number, most: number): FieldError {
  return { field, type: 'TooMany', detail: `must have at most ${most} items`, value: actual };
}

export function tooLong(field: string, most: number): FieldError {
  return { field, type: 'TooLong', detail: `may not be more than ${most} bytes` };
}

export function notSupported(field: string, value: string, supported: readonly string[]): FieldError {
  return { field, type: 'NotSupported', detail: `supported values: ${supported.map(quote).join(', ')}`, value };
}

/** The text after the field in the API server's message: `Invalid value: "x": must be …`. Source: as above, ErrorBody. */
export function fieldErrorBody({ type, detail, value }: FieldError): string {
  const shown =
    value === undefined ? '' : `: ${typeof value === 'string' ? quote(value) : escapeForHtml(JSON.stringify(value))}`;
  return `${typeNames[type]}${shown}${detail === '' ? '' : `: ${detail}`}`;
}

const typeNames: { readonly [type in FieldErrorType]: string } = {
  Required: 'Required value',
  Invalid: 'Invalid value',
  Duplicate: 'Duplicate value',
  NotSupported: 'Unsupported value',
  TooMany: 'Too many',
  Forbidden: 'Forbidden',
  TooLong: 'Too long',
};
