/**
 * Turns the text of an expression into a syntax tree with macros expanded.
 *
 * Recursive descent; the order in which ids are given follows cel-go's visitor of the parse tree.
 *
 * Source: cel-go v0.29.2 parser/gen/CEL.g4 and parser/parser.go.
 */
import type { Expression, MapEntry, ObjectField } from './ast.ts';
import { ExpressionIds, MacroExpressionFactory } from './expression-factory.ts';
import { MAX_DEPTH, RESERVED, tokenize } from './lexer.ts';
import type { Token, TokenKind } from './lexer.ts';
import { MacroError } from './macro.ts';
import type { Macro } from './macro.ts';
import * as operators from './operators.ts';
import { Source } from './source.ts';
import type { CompileIssue } from './source.ts';
import { LiteralError, unescapeBytes, unescapeString } from './string-literal.ts';
import { diagnoseSyntax, reportLexicalErrors } from './syntax-errors.ts';
import { Uint } from '../values.ts';
import type { Value } from '../values.ts';

/** Longest expression, in code points. cel-go: parser/options.go, expressionSizeCodePointLimit. */
const MAX_CODE_POINTS = 100_000;

const RELATIONS: ReadonlyMap<TokenKind, string> = new Map([
  ['<', operators.LESS],
  ['<=', operators.LESS_EQUALS],
  ['>=', operators.GREATER_EQUALS],
  ['>', operators.GREATER],
  ['==', operators.EQUALS],
  ['!=', operators.NOT_EQUALS],
  ['in', operators.IN],
]);

const PRODUCTS: ReadonlyMap<TokenKind, string> = new Map([
  ['*', operators.MULTIPLY],
  ['/', operators.DIVIDE],
  ['%', operators.MODULO],
]);

const SUMS: ReadonlyMap<TokenKind, string> = new Map([
  ['+', operators.ADD],
  ['-', operators.SUBTRACT],
]);

/** A syntax tree, and where its nodes are. */
export interface ParsedExpression {
  readonly source: Source;
  readonly root: Expression;
  readonly ids: ExpressionIds;
}

export type ParseResult =
  | { readonly ok: true; readonly parsed: ParsedExpression }
  | { readonly ok: false; readonly source: Source; readonly issues: readonly CompileIssue[] };

/** Macros by name, style and number of arguments: the key is {@link macroKey}. */
export type MacroTable = ReadonlyMap<string, Macro>;

/** The key of a macro in a {@link MacroTable}. */
export function macroKey(name: string, argumentCount: number, member: boolean): string {
  return `${name}:${argumentCount}:${member}`;
}

/** Parses `text`, expanding `macros`. */
export function parse(text: string, macros: MacroTable): ParseResult {
  const source = new Source(text);
  const failed = (issues: readonly CompileIssue[]): ParseResult => ({ ok: false, source, issues });
  const size = text.length > MAX_CODE_POINTS ? [...text].length : text.length;
  if (size > MAX_CODE_POINTS) {
    const message = `expression code point size exceeds limit: size: ${size}, limit ${MAX_CODE_POINTS}`;
    return failed([source.issue(message, undefined)]);
  }
  const { tokens, errors } = tokenize(text);
  const parser = new Parser(source, tokens, macros);
  let root: Expression;
  try {
    root = parser.parse();
  } catch (abort) {
    if (abort instanceof DepthExceeded) return failed([...parser.issues, source.issue(abort.message, undefined)]);
    if (abort instanceof UnexpectedToken) return failed(diagnoseSyntax(source, tokens, errors));
    throw abort;
  }
  if (errors.length > 0) return failed([...reportLexicalErrors(source, errors), ...parser.issues]);
  if (parser.issues.length > 0) return failed(parser.issues);
  return { ok: true, parsed: { source, root, ids: parser.ids } };
}

/** The expression nests too deep. Leaves the parser as an exception, never the room. */
class DepthExceeded extends Error {}

/** The tokens are no expression; diagnoseSyntax says why. Leaves the parser as an exception, never the room. */
class UnexpectedToken extends Error {}

/** A tree, and how deep its operators, selections, calls and indexes nest. */
interface Parsed {
  readonly expression: Expression;
  readonly depth: number;
}

type RecursiveRule = 'expr' | 'relation' | 'calc';

class Parser {
  readonly ids = new ExpressionIds();
  readonly issues: CompileIssue[] = [];
  readonly #source: Source;
  readonly #tokens: readonly Token[];
  readonly #macros: MacroTable;
  readonly #ruleDepth: Record<RecursiveRule, number> = { expr: 0, relation: 0, calc: 0 };
  #position = 0;

  constructor(source: Source, tokens: readonly Token[], macros: MacroTable) {
    this.#source = source;
    this.#tokens = tokens;
    this.#macros = macros;
  }

  parse(): Expression {
    const { expression, depth } = this.#expression();
    this.#expect('EOF');
    if (depth > MAX_DEPTH) throw new DepthExceeded('max recursion depth exceeded');
    return expression;
  }

  #expression(): Parsed {
    return this.#nested('expr', () => {
      const condition = this.#logical('||', operators.LOGICAL_OR, () =>
        this.#logical('&&', operators.LOGICAL_AND, () => this.#relation(0)),
      );
      const operator = this.#accept('?');
      if (operator === undefined) return condition;
      const id = this.ids.create(operator.offset);
      const ifTrue = this.#logical('||', operators.LOGICAL_OR, () =>
        this.#logical('&&', operators.LOGICAL_AND, () => this.#relation(0)),
      );
      this.#expect(':');
      const ifFalse = this.#expression();
      return this.#call(id, operators.CONDITIONAL, undefined, [condition, ifTrue, ifFalse], 1);
    });
  }

  #logical(kind: '||' | '&&', operator: string, operand: () => Parsed): Parsed {
    const first = operand();
    const terms = [first.expression];
    const operatorIds: number[] = [];
    let depth = first.depth;
    for (let token = this.#accept(kind); token !== undefined; token = this.#accept(kind)) {
      const term = operand();
      depth = Math.max(depth, term.depth);
      terms.push(term.expression);
      operatorIds.push(this.ids.create(token.offset));
    }
    return { expression: balancedTree(operator, terms, operatorIds), depth };
  }

  /** relation: calc | relation op relation, all operators of one rank, from the left. */
  #relation(rank: number): Parsed {
    return this.#nested('relation', () => {
      let left = this.#calc(0);
      while (rank < 1) {
        const token = this.#peek();
        const operator = RELATIONS.get(token.kind);
        if (operator === undefined) break;
        this.#position++;
        const id = this.ids.create(token.offset);
        left = this.#call(id, operator, undefined, [left, this.#relation(1)], 1);
      }
      return left;
    });
  }

  /** calc: unary | calc op calc; products (rank 2) bind closer than sums (rank 1), both from the left. */
  #calc(rank: number): Parsed {
    return this.#nested('calc', () => {
      let left = this.#unary();
      for (;;) {
        const token = this.#peek();
        const product = rank < 2 ? PRODUCTS.get(token.kind) : undefined;
        const operator = product ?? (rank < 1 ? SUMS.get(token.kind) : undefined);
        if (operator === undefined) return left;
        this.#position++;
        const id = this.ids.create(token.offset);
        left = this.#call(id, operator, undefined, [left, this.#calc(product === undefined ? 1 : 2)], 1);
      }
    });
  }

  #unary(): Parsed {
    const { kind, offset } = this.#peek();
    if (kind !== '!' && kind !== '-') return this.#member();
    const next = this.#peek(1).kind;
    // `-1` is a literal, so that the least int can be written.
    if (kind === '-' && (next === 'NUM_INT' || next === 'NUM_FLOAT')) return this.#member();
    let count = 0;
    while (this.#accept(kind) !== undefined) count++;
    if (count % 2 === 0) return this.#member();
    const id = this.ids.create(offset);
    return this.#call(id, kind === '!' ? operators.LOGICAL_NOT : operators.NEGATE, undefined, [this.#member()], 0);
  }

  #member(): Parsed {
    let operand = this.#primary();
    for (;;) {
      const dot = this.#accept('.');
      if (dot !== undefined) {
        operand = this.#selectOrCall(dot, operand);
        continue;
      }
      const bracket = this.#accept('[');
      if (bracket === undefined) return operand;
      const optional = this.#accept('?') !== undefined;
      const id = this.ids.create(bracket.offset);
      const index = this.#expression();
      this.#expect(']');
      const operator = optional ? operators.OPTIONAL_INDEX : operators.INDEX;
      operand = this.#call(id, operator, undefined, [operand, index], 1);
    }
  }

  #selectOrCall(dot: Token, operand: Parsed): Parsed {
    const optional = this.#accept('?') !== undefined;
    const name = this.#escapeIdent();
    if (!optional && name.kind === 'IDENTIFIER') {
      const open = this.#accept('(');
      if (open !== undefined) {
        const id = this.ids.create(open.offset);
        return this.#call(id, name.text, operand, this.#arguments(), 1);
      }
    }
    const field = fieldName(name);
    const depth = operand.depth + 1;
    if (optional) {
      const literal: Expression = { kind: 'literal', id: this.ids.create(name.offset), value: field };
      const id = this.ids.create(dot.offset);
      const args = [operand.expression, literal];
      return { expression: { kind: 'call', id, function: operators.OPTIONAL_SELECT, target: undefined, args }, depth };
    }
    const id = this.ids.create(dot.offset);
    return { expression: { kind: 'select', id, operand: operand.expression, field, testOnly: false }, depth };
  }

  #primary(): Parsed {
    const token = this.#peek();
    switch (token.kind) {
      case '(': {
        this.#position++;
        const inner = this.#expression();
        this.#expect(')');
        return inner;
      }
      case '[':
        return this.#list();
      case '{':
        return this.#map();
      case '.':
      case 'IDENTIFIER':
        return this.#isObject() ? this.#object() : this.#identifierOrCall();
      default:
        return { expression: this.#literal(), depth: 0 };
    }
  }

  #identifierOrCall(): Parsed {
    const start = this.#peek();
    const dot = this.#accept('.') === undefined ? '' : '.';
    const name = this.#expect('IDENTIFIER');
    const open = this.#accept('(');
    if (open === undefined) {
      if (RESERVED.has(name.text)) return this.#report(`reserved identifier: ${name.text}`, start.offset);
      const id = this.ids.create(name.offset);
      return { expression: { kind: 'identifier', id, name: dot + name.text }, depth: 0 };
    }
    if (RESERVED.has(name.text)) {
      const error = this.#report(`reserved identifier: ${name.text}`, start.offset);
      // cel-go does not look at the arguments then: what else is wrong in them is not reported.
      const reported = this.issues.length;
      this.#arguments();
      this.issues.length = reported;
      return error;
    }
    const id = this.ids.create(open.offset);
    return this.#call(id, dot + name.text, undefined, this.#arguments(), 0);
  }

  /** The rest of an argument list, the opening parenthesis being read. */
  #arguments(): Parsed[] {
    const args: Parsed[] = [];
    if (this.#accept(')') !== undefined) return args;
    do args.push(this.#expression());
    while (this.#accept(',') !== undefined);
    this.#expect(')');
    return args;
  }

  #list(): Parsed {
    const id = this.ids.create(this.#expect('[').offset);
    const elements: Expression[] = [];
    const optionalIndexes: number[] = [];
    let depth = 0;
    this.#items(']', () => {
      if (this.#accept('?') !== undefined) optionalIndexes.push(elements.length);
      const element = this.#expression();
      elements.push(element.expression);
      depth = Math.max(depth, element.depth);
    });
    return { expression: { kind: 'list', id, elements, optionalIndexes }, depth };
  }

  #map(): Parsed {
    const id = this.ids.create(this.#expect('{').offset);
    const entries: MapEntry[] = [];
    let depth = 0;
    this.#items('}', () => {
      // The entry is numbered before its key but points at the colon behind it.
      const entryId = this.ids.create(this.#peek().offset);
      const optional = this.#accept('?') !== undefined;
      const key = this.#expression();
      this.ids.place(entryId, this.#expect(':').offset);
      const value = this.#expression();
      entries.push({ id: entryId, key: key.expression, value: value.expression, optional });
      depth = Math.max(depth, key.depth, value.depth);
    });
    return { expression: { kind: 'map', id, entries }, depth };
  }

  /** Is this a (qualified) name and an opening brace? */
  #isObject(): boolean {
    let ahead = this.#peek().kind === '.' ? 1 : 0;
    while (this.#peek(ahead).kind === 'IDENTIFIER') {
      if (this.#peek(ahead + 1).kind === '{') return true;
      if (this.#peek(ahead + 1).kind !== '.') return false;
      ahead += 2;
    }
    return false;
  }

  #object(): Parsed {
    let typeName = this.#accept('.') === undefined ? '' : '.';
    typeName += this.#expect('IDENTIFIER').text;
    while (this.#accept('.') !== undefined) typeName += `.${this.#expect('IDENTIFIER').text}`;
    const id = this.ids.create(this.#expect('{').offset);
    const fields: ObjectField[] = [];
    let depth = 0;
    this.#items('}', () => {
      const optional = this.#accept('?') !== undefined;
      const name = fieldName(this.#escapeIdent());
      const fieldId = this.ids.create(this.#expect(':').offset);
      const value = this.#expression();
      fields.push({ id: fieldId, name, value: value.expression, optional });
      depth = Math.max(depth, value.depth);
    });
    return { expression: { kind: 'object', id, typeName, fields }, depth };
  }

  /** Items between commas, one comma more allowed at the end (even without items), and the closing token. */
  #items(close: TokenKind, item: () => void): void {
    if (this.#peek().kind !== close && this.#peek().kind !== ',') {
      item();
      while (this.#peek().kind === ',' && this.#peek(1).kind !== close) {
        this.#position++;
        item();
      }
    }
    this.#accept(',');
    this.#expect(close);
  }

  #literal(): Expression {
    const start = this.#peek();
    const sign = this.#accept('-') === undefined ? '' : '-';
    const { kind, text } = this.#next();
    const literal = (value: Value): Expression => ({ kind: 'literal', id: this.ids.create(start.offset), value });
    if (sign !== '' && kind !== 'NUM_INT' && kind !== 'NUM_FLOAT') throw new UnexpectedToken();
    switch (kind) {
      case 'NUM_INT': {
        const magnitude = BigInt(text);
        const value = sign === '' ? magnitude : -magnitude;
        if (value !== BigInt.asIntN(64, value)) return this.#report('invalid int literal', start.offset).expression;
        return literal(value);
      }
      case 'NUM_UINT': {
        const value = BigInt(text.slice(0, -1));
        if (value !== BigInt.asUintN(64, value)) return this.#report('invalid uint literal', start.offset).expression;
        return literal(new Uint(value));
      }
      case 'NUM_FLOAT': {
        const value = Number(sign + text);
        if (!Number.isFinite(value)) return this.#report('invalid double literal', start.offset).expression;
        return literal(value);
      }
      case 'STRING':
      case 'BYTES': {
        const value = kind === 'STRING' ? unescapeString(text) : unescapeBytes(text);
        if (value instanceof LiteralError) return this.#report(value.message, start.offset).expression;
        return literal(value);
      }
      case 'true':
        return literal(true);
      case 'false':
        return literal(false);
      case 'null':
        return literal(null);
      default:
        throw new UnexpectedToken();
    }
  }

  #escapeIdent(): Token {
    const token = this.#next();
    if (token.kind !== 'IDENTIFIER' && token.kind !== 'ESC_IDENTIFIER') throw new UnexpectedToken();
    return token;
  }

  /** A call with the id `id`, or what a macro makes of it. `ownDepth` is 1 for what counts as a level of its own. */
  #call(id: number, name: string, target: Parsed | undefined, args: readonly Parsed[], ownDepth: 0 | 1): Parsed {
    const depth = ownDepth + Math.max(0, target?.depth ?? 0, ...args.map((arg) => arg.depth));
    const argExpressions = args.map((arg) => arg.expression);
    const targetExpression = target?.expression;
    const macro = this.#macros.get(macroKey(name, args.length, target !== undefined));
    if (macro !== undefined) {
      const offset = this.ids.offsetOf(id) ?? 0;
      const factory = new MacroExpressionFactory(this.ids, offset);
      const expansion = macro.expand(factory, targetExpression, argExpressions);
      if (expansion instanceof MacroError) {
        const place = expansion.expression === undefined ? offset : this.ids.offsetOf(expansion.expression.id);
        this.ids.delete(id);
        return this.#report(expansion.message, place);
      }
      if (expansion !== undefined) {
        this.ids.delete(id);
        return { expression: expansion, depth };
      }
    }
    return { expression: { kind: 'call', id, function: name, target: targetExpression, args: argExpressions }, depth };
  }

  /** Notes an issue, and gives something to go on with. */
  #report(message: string, offset: number | undefined): Parsed {
    this.issues.push(this.#source.issue(message, offset));
    return { expression: { kind: 'literal', id: this.ids.create(offset ?? 0), value: null }, depth: 0 };
  }

  #nested(rule: RecursiveRule, parseRule: () => Parsed): Parsed {
    if (++this.#ruleDepth[rule] > MAX_DEPTH)
      throw new DepthExceeded(`expression recursion limit exceeded: ${MAX_DEPTH}`);
    const parsed = parseRule();
    this.#ruleDepth[rule]--;
    return parsed;
  }

  #peek(ahead = 0): Token {
    const token = this.#tokens[Math.min(this.#position + ahead, this.#tokens.length - 1)];
    if (token === undefined) throw new UnexpectedToken();
    return token;
  }

  #next(): Token {
    const token = this.#peek();
    this.#position++;
    return token;
  }

  #accept(kind: TokenKind): Token | undefined {
    return this.#peek().kind === kind ? this.#next() : undefined;
  }

  #expect(kind: TokenKind): Token {
    const token = this.#next();
    if (token.kind !== kind) throw new UnexpectedToken();
    return token;
  }
}

/** `a || b || c || d` as `(a || b) || (c || d)`: it evaluates the same and nests less. cel-go: logicManager. */
function balancedTree(operator: string, terms: readonly Expression[], operatorIds: readonly number[]): Expression {
  const subtree = (from: number, to: number): Expression => {
    const middle = Math.floor((from + to + 1) / 2);
    const left = middle === from ? terms[middle] : subtree(from, middle - 1);
    const right = middle === to ? terms[middle + 1] : subtree(middle + 1, to);
    const id = operatorIds[middle];
    if (left === undefined || right === undefined || id === undefined)
      throw new RangeError('terms and operators do not fit');
    return { kind: 'call', id, function: operator, target: undefined, args: [left, right] };
  };
  const [only] = terms;
  return terms.length === 1 && only !== undefined ? only : subtree(0, operatorIds.length - 1);
}

/** The name that a field token stands for; `` `a-b` `` without its backticks. */
function fieldName(token: Token): string {
  return token.kind === 'ESC_IDENTIFIER' ? token.text.slice(1, -1) : token.text;
}
