import { SallyportError } from '../errors.ts';
import { quote } from './go-quote.ts';
import { labelValueProblems, qualifiedNameProblems } from './names.ts';
import type { LabelSelector } from './webhook-configuration.ts';

/** A selector cannot be understood. The message is word for word the API server's. */
export class LabelSelectorError extends SallyportError {
  readonly code = 'SALLYPORT_INVALID_LABEL_SELECTOR';
}

/** `metadata.labels` of an object; having none is the same as having an empty map. */
export type Labels = { readonly [key: string]: string } | null | undefined;

/** A selector that was checked once and can be asked many times. */
export interface LabelMatcher {
  /** It has no requirements and matches everything. Not so the matcher of an absent selector, which matches nothing. */
  readonly isEmpty: boolean;
  matches(labels: Labels): boolean;
  /** The text that {@link parseLabelSelectorText} reads, sorted by key: `app=web,tier in (a,b),!legacy`. */
  toString(): string;
}

/**
 * The matcher of a selector as objects carry it. An absent selector matches nothing, an empty one everything.
 *
 * Throws {@link LabelSelectorError}: `In` and `NotIn` need a value, `Exists` and `DoesNotExist` must have none, keys are
 * qualified names, values are label values.
 *
 * Source: k8s.io/apimachinery v0.37.2 pkg/apis/meta/v1/helpers.go, LabelSelectorAsSelector. There the order in which
 * entries of `matchLabels` are complained of is random; here it is theirs.
 */
export function parseLabelSelector(selector: LabelSelector | null | undefined): LabelMatcher {
  if (selector === null || selector === undefined) return nothing;
  const equalities = Object.entries(selector.matchLabels ?? {});
  const requirements = equalities.map(([key, value]) => newRequirement(key, '=', [value]));
  // A field left out is Go's empty text.
  for (const { key = '', operator, values } of selector.matchExpressions ?? []) {
    const own = selectorOperators.get(operator);
    if (own === undefined)
      throw new LabelSelectorError(`${quote(operator ?? '')} is not a valid label selector operator`);
    // Go passes a nil slice on where there are no values, and prints it as null.
    requirements.push(newRequirement(key, own, values?.length ? values : null));
  }
  return all(requirements);
}

/**
 * The matcher of a selector in the form of `kubectl get -l` and of `?labelSelector=`: `a=b,c in (d,e),!f,n>5`.
 *
 * The empty text matches everything. Throws {@link LabelSelectorError}.
 *
 * Source: k8s.io/apimachinery v0.37.2 pkg/labels/selector.go, Parse.
 */
export function parseLabelSelectorText(text: string): LabelMatcher {
  return all(new Parser(text).parse());
}

/**
 * One requirement, checked as the selectors' are: for what is no label but is matched like one, such as the scopes of a
 * quota. Throws {@link LabelSelectorError}. Source: pkg/labels/selector.go, NewRequirement.
 */
export function labelRequirement(
  key: string,
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist',
  values: readonly string[] | null,
): LabelMatcher {
  return all([newRequirement(key, selectorOperators.get(operator) ?? 'in', values)]);
}

type Operator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

const selectorOperators: ReadonlyMap<string, Operator> = new Map([
  ['In', 'in'],
  ['NotIn', 'notin'],
  ['Exists', 'exists'],
  ['DoesNotExist', '!'],
]);

const nothing: LabelMatcher = { isEmpty: false, matches: () => false, toString: () => '' };

function all(requirements: readonly Requirement[]): LabelMatcher {
  const sorted = [...requirements].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return {
    isEmpty: sorted.length === 0,
    matches: (labels) => sorted.every((requirement) => meets(requirement, labels ?? {})),
    toString: () => sorted.map(requirementText).join(','),
  };
}

function newRequirement(key: string, operator: Operator, values: readonly string[] | null): Requirement {
  const given = values ?? [];
  const problems = new Set<string>();
  const keyProblems = qualifiedNameProblems(key);
  if (keyProblems.length > 0) problems.add(`key: Invalid value: ${quote(key)}: ${keyProblems.join('; ')}`);
  const refuseValues = (detail: string) => problems.add(`values: Invalid value: ${goJson(values)}: ${detail}`);
  switch (operator) {
    case 'in':
    case 'notin':
      if (given.length === 0) refuseValues("for 'in', 'notin' operators, values set can't be empty");
      break;
    case 'exists':
    case '!':
      if (given.length > 0) refuseValues('values set must be empty for exists and does not exist');
      break;
    case 'gt':
    case 'lt':
      if (parseInt64(given[0] ?? '') === undefined) {
        const detail = "for 'Gt', 'Lt' operators, the value must be an integer";
        problems.add(`values[0]: Invalid value: ${quote(given[0] ?? '')}: ${detail}`);
      }
      break;
    case '=':
    case '==':
    case '!=':
      break;
  }
  given.forEach((value, index) => {
    const valueProblems = labelValueProblems(value);
    if (valueProblems.length > 0) {
      problems.add(`values[${index}][${key}]: Invalid value: ${quote(value)}: ${valueProblems.join('; ')}`);
    }
  });
  const [first, ...others] = problems;
  if (first !== undefined) {
    throw new LabelSelectorError(others.length === 0 ? first : `[${[first, ...others].join(', ')}]`);
  }
  return { key, operator, values: given };
}

function meets({ key, operator, values }: Requirement, labels: { readonly [key: string]: string }): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'in':
    case '=':
    case '==':
      return value !== undefined && values.includes(value);
    case 'notin':
    case '!=':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'gt':
    case 'lt': {
      const [number, bound] = [parseInt64(value ?? ''), parseInt64(values[0] ?? '')];
      if (number === undefined || bound === undefined) return false;
      return operator === 'gt' ? number > bound : number < bound;
    }
  }
}

function requirementText({ key, operator, values }: Requirement): string {
  const list = [...values].sort().join(',');
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${list})`;
    case 'gt':
      return `${key}>${list}`;
    case 'lt':
      return `${key}<${list}`;
    case '=':
    case '==':
    case '!=':
      return `${key}${operator}${list}`;
  }
}

/** Go's encoding/json writes some characters as escapes that JSON.stringify leaves alone. */
function goJson(value: readonly string[] | null): string {
  const escape = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, escape);
}

/** Go: strconv.ParseInt(text, 10, 64). */
function parseInt64(text: string): bigint | undefined {
  // An int64 has 19 digits; leading zeros are legal and not worth reading a megabyte of them.
  if (!/^[+-]?[0-9]{1,100}$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/, ''));
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

type TokenKind = 'identifier' | 'end' | ')' | ',' | '!' | '==' | '=' | '>' | 'in' | '<' | '!=' | 'notin' | '(';

interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

const binaryOperators: ReadonlyMap<TokenKind, Operator> = new Map<TokenKind, Operator>([
  ['in', 'in'],
  ['notin', 'notin'],
  ['=', '='],
  ['==', '=='],
  ['!=', '!='],
  ['>', 'gt'],
  ['<', 'lt'],
]);

/** The grammar is in the comment of labels.Parse. `in` and `notin` are words like any other where no operator can stand. */
class Parser {
  readonly #tokens: readonly Token[];
  #position = 0;

  constructor(text: string) {
    this.#tokens = tokens(text);
  }

  parse(): Requirement[] {
    const requirements: Requirement[] = [];
    for (;;) {
      const { kind, text } = this.#lookahead();
      if (kind === 'end') return requirements;
      if (kind !== 'identifier' && kind !== '!') throw unexpected(text, "!, identifier, or 'end of string'");
      requirements.push(this.#requirementOrThrow());
      const next = this.#consume();
      if (next.kind === 'end') return requirements;
      if (next.kind !== ',') throw unexpected(next.text, "',' or 'end of string'");
      const after = this.#lookahead();
      if (after.kind !== 'identifier' && after.kind !== '!') throw unexpected(after.text, "identifier after ','");
    }
  }

  #requirementOrThrow(): Requirement {
    try {
      return this.#requirement();
    } catch (error) {
      if (!(error instanceof LabelSelectorError)) throw error;
      throw new LabelSelectorError(`unable to parse requirement: ${error.message}`);
    }
  }

  #requirement(): Requirement {
    let token = this.#consume();
    const negated = token.kind === '!';
    if (negated) token = this.#consume();
    const { kind, text: key } = token;
    if (kind !== 'identifier') throw unexpected(key, 'identifier');
    const problems = qualifiedNameProblems(key);
    // The server has no path here and prints it as Go prints nil.
    if (problems.length > 0) {
      throw new LabelSelectorError(`<nil>: Invalid value: ${quote(key)}: ${problems.join('; ')}`);
    }
    if (negated) return newRequirement(key, '!', []);
    const next = this.#lookahead().kind;
    if (next === 'end' || next === ',') return newRequirement(key, 'exists', []);
    const operator = this.#operator();
    const values = operator === 'in' || operator === 'notin' ? this.#values() : this.#exactValue();
    return newRequirement(key, operator, [...new Set(values)].sort());
  }

  #operator(): Operator {
    const { kind, text } = this.#next();
    const operator = binaryOperators.get(kind);
    if (operator === undefined) throw unexpected(text, [...binaryOperators.values()].join(', '));
    return operator;
  }

  #values(): string[] {
    const open = this.#consume();
    if (open.kind !== '(') throw new LabelSelectorError(`found '${open.text}' expected: '('`);
    const { kind, text } = this.#lookahead();
    switch (kind) {
      case 'identifier':
      case ',':
        return this.#list();
      case ')':
        this.#consume();
        return [''];
      default:
        throw unexpected(text, "',', ')' or identifier");
    }
  }

  /** Values up to the closing parenthesis, which is consumed; where two commas or a parenthesis meet stands the empty value. */
  #list(): string[] {
    const values: string[] = [];
    for (;;) {
      const { kind, text } = this.#consume();
      const next = this.#lookahead();
      if (kind === 'identifier') {
        values.push(text);
        if (next.kind !== ',' && next.kind !== ')') throw unexpected(next.text, "',' or ')'");
      } else if (kind === ',') {
        if (values.length === 0 || next.kind === ',' || next.kind === ')') values.push('');
      } else {
        throw unexpected(text, "',', or identifier");
      }
      if (next.kind === ')') {
        this.#consume();
        return values;
      }
    }
  }

  #exactValue(): string[] {
    const next = this.#lookahead().kind;
    if (next === 'end' || next === ',') return [''];
    const { kind, text } = this.#consume();
    if (kind !== 'identifier') throw unexpected(text, 'identifier');
    return [text];
  }

  #lookahead(): Token {
    return asWord(this.#tokens[this.#position] ?? endToken);
  }

  #consume(): Token {
    return asWord(this.#next());
  }

  #next(): Token {
    return this.#tokens[this.#position++] ?? endToken;
  }
}

const endToken: Token = { kind: 'end', text: '' };

function asWord(token: Token): Token {
  return token.kind === 'in' || token.kind === 'notin' ? { kind: 'identifier', text: token.text } : token;
}

function unexpected(found: string, expected: string): LabelSelectorError {
  return new LabelSelectorError(`found '${found}', expected: ${expected}`);
}

/** A NUL ends a word and, at the start of a token, the text, as the server's lexer has it. */
function tokens(text: string): Token[] {
  const found: Token[] = [];
  for (const [, symbol, word] of text.matchAll(/[ \t\r\n]*(?:(==|!=|[=!(),<>])|([^ \t\r\n=!(),<>\0]+)|\0)\0?/gy)) {
    if (symbol !== undefined) found.push({ kind: symbol as TokenKind, text: symbol });
    else if (word === undefined) break;
    else found.push({ kind: word === 'in' || word === 'notin' ? word : 'identifier', text: word });
  }
  return found;
}
