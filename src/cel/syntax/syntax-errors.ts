/**
 * Why a text is no expression, in the words of cel-go: those of ANTLR's default error strategy, which guesses what was
 * meant and goes on, so that one text may have several errors.
 *
 * Runs only when parsing has failed.
 *
 * Source: antlr4-go v4.13.1 error_strategy.go; cel-go v0.29.2 parser/gen/cel_parser.go for where it looks ahead, and
 * parser/parser.go for the limits.
 */
import { PRODUCT_TOKENS, RELATION_TOKENS, SUM_TOKENS, buildGrammar } from './grammar.ts';
import type { Choice, Grammar, Loop, Piece, RuleName, State } from './grammar.ts';
import { MAX_DEPTH, RESERVED } from './lexer.ts';
import type { LexicalError, Token, TokenKind } from './lexer.ts';
import type { CompileIssue, Source } from './source.ts';

/** Recoveries after which the parser gives up. cel-go: errorRecoveryLimit. */
const MAX_RECOVERIES = 30;
/** Tokens that one recovery may skip. cel-go: errorRecoveryTokenLookaheadLimit. */
const MAX_SKIPPED = 256;
/** Errors that are reported one by one. cel-go: errorReportingLimit. */
const MAX_REPORTS = 100;

/** The alternative of primary that is an object with fields. */
const OBJECT = 5;

/** Kinds in the order in which errors list them. */
const KINDS: readonly TokenKind[] = [
  'EOF',
  '==',
  '!=',
  'in',
  '<',
  '<=',
  '>=',
  '>',
  '&&',
  '||',
  '[',
  ']',
  '{',
  '}',
  '(',
  ')',
  '.',
  ',',
  '-',
  '!',
  '?',
  ':',
  '+',
  '*',
  '/',
  '%',
  'true',
  'false',
  'null',
  'NUM_FLOAT',
  'NUM_INT',
  'NUM_UINT',
  'STRING',
  'BYTES',
  'IDENTIFIER',
  'ESC_IDENTIFIER',
];

/** What may come next in a place; `ruleEnd` if the rule may end there. */
interface Lookahead {
  readonly tokens: ReadonlySet<TokenKind>;
  readonly ruleEnd: boolean;
}

/** The issues of text that is no token. */
export function reportLexicalErrors(source: Source, errors: readonly LexicalError[]): CompileIssue[] {
  return errors
    .slice(0, MAX_REPORTS)
    .map(({ text, offset }) => source.issue(`Syntax error: token recognition error at: '${text}'`, offset));
}

/** All syntax errors of `tokens`, which the parser could not read, and of the text between them. */
export function diagnoseSyntax(
  source: Source,
  tokens: readonly Token[],
  lexicalErrors: readonly LexicalError[],
): CompileIssue[] {
  const issues = reportLexicalErrors(source, lexicalErrors);
  const recognizer = new Recognizer(source, tokens, lexicalErrors, issues);
  recognizer.run();
  return issues;
}

/** The next tokens fit nothing. Leaves a rule as an exception, never the recognizer. */
class RecognitionFailure extends Error {
  readonly offending: Token;

  constructor(message: string, offending: Token) {
    super(message);
    this.offending = offending;
  }
}

/** Too many errors, or too many tokens to skip. Leaves the recognizer's rules as an exception, never the recognizer. */
class GaveUp extends Error {}

/** A rule that is being read, and the state of its caller. */
interface Invocation {
  readonly rule: RuleName;
  /** The token it began with. */
  readonly start: Token;
  readonly callerState: State | undefined;
  readonly caller: Invocation | undefined;
}

class Recognizer {
  readonly #source: Source;
  readonly #tokens: readonly Token[];
  readonly #lexicalErrors: readonly LexicalError[];
  readonly #issues: CompileIssue[];
  readonly #grammar: Grammar = buildGrammar();
  #position = 0;
  #state: State;
  #invocation: Invocation | undefined;
  /** After an error nothing is reported until a token fits again. */
  #recovering = false;
  #lastErrorPosition = -1;
  readonly #lastErrorStates = new Set<State>();
  #recoveries = 0;
  /** How often each rule is being read within itself. */
  readonly #depths = new Map<RuleName, number>();
  /** What cel-go finds in the tree that was read in spite of the errors. */
  readonly #notes: CompileIssue[] = [];
  #reports: number;

  constructor(
    source: Source,
    tokens: readonly Token[],
    lexicalErrors: readonly LexicalError[],
    issues: CompileIssue[],
  ) {
    this.#source = source;
    this.#tokens = tokens;
    this.#lexicalErrors = lexicalErrors;
    this.#issues = issues;
    this.#reports = issues.length;
    this.#state = this.#grammar.start.start;
  }

  run(): void {
    try {
      this.#rule('start', 0, undefined);
    } catch (abort) {
      if (!(abort instanceof GaveUp)) throw abort;
      if (abort.message !== '') this.#issues.push(this.#source.issue(abort.message, undefined));
      return;
    }
    this.#issues.push(...this.#notes);
  }

  #rule(name: RuleName, rank: number, callerState: State | undefined): void {
    const caller = this.#invocation;
    const depth = (this.#depths.get(name) ?? 0) + 1;
    if (depth > MAX_DEPTH) throw new GaveUp(`expression recursion limit exceeded: ${MAX_DEPTH}`);
    this.#depths.set(name, depth);
    const start = this.#token();
    this.#invocation = { rule: name, start, callerState, caller };
    try {
      this.#piece(this.#grammar[name].body, rank);
    } catch (failure) {
      if (!(failure instanceof RecognitionFailure)) throw failure;
      this.#reportError(failure.message, failure.offending);
      this.#recover();
      if (name === 'escapeIdent') this.#noteMissingName(start);
    }
    this.#invocation = caller;
    this.#depths.set(name, depth - 1);
    if (callerState !== undefined) this.#state = callerState;
  }

  #piece(piece: Piece, rank: number): void {
    switch (piece.kind) {
      case 'tokens':
        this.#state = piece.state;
        this.#match(piece.tokens);
        return;
      case 'rule':
        this.#state = piece.state;
        this.#rule(piece.rule, piece.rank, piece.state);
        return;
      case 'sequence':
        for (const part of piece.pieces) this.#piece(part, rank);
        return;
      case 'choice': {
        this.#sync(piece.state);
        const chosen = this.#choose(piece.choice);
        const alternative = piece.alternatives[chosen];
        if (alternative === undefined) throw this.#noViableAlternative(0);
        if (piece.choice === 'primary' && chosen !== OBJECT) this.#noteReservedName();
        this.#piece(alternative, rank);
        return;
      }
      case 'optional':
        this.#sync(piece.state);
        if (this.#begins(piece.piece)) this.#piece(piece.piece, rank);
        return;
      case 'star':
        this.#sync(piece.state);
        while (this.#goesOn(piece.loop, piece.piece, rank)) {
          this.#piece(piece.piece, rank);
          this.#sync(piece.back);
        }
        return;
      case 'plus':
        this.#sync(piece.state);
        do {
          this.#piece(piece.piece, rank);
          this.#sync(piece.back);
        } while (this.#goesOn(piece.loop, piece.piece, rank));
    }
  }

  /** The number of the alternative that the next tokens choose. */
  #choose(choice: Choice): number {
    const kind = this.#kind();
    const index = (alternatives: readonly TokenKind[]) => alternatives.indexOf(kind);
    switch (choice) {
      case 'unary':
        if (kind === '!') return 1;
        if (kind !== '-') return this.#startsMember(kind) ? 0 : -1;
        if (isNumber(this.#kind(1))) return 0;
        if (this.#kind(1) === '-' || this.#startsMember(this.#kind(1))) return 2;
        throw this.#noViableAlternative(1);
      case 'member':
        if (kind === '[') return 2;
        if (this.#kind(1) === '?' || this.#kind(1) === 'ESC_IDENTIFIER') return 0;
        if (this.#kind(1) === 'IDENTIFIER') return this.#kind(2) === '(' ? 1 : 0;
        throw this.#noViableAlternative(1);
      case 'primary':
        if (kind === '(' || kind === '[' || kind === '{') return ['(', '[', '{'].indexOf(kind) + 2;
        if (kind === '.' || kind === 'IDENTIFIER') return this.#chooseName();
        return this.#startsMember(kind) || kind === '-' ? 6 : -1;
      case 'literal':
        if (kind === '-') {
          if (!isNumber(this.#kind(1))) throw this.#noViableAlternative(1);
          return this.#kind(1) === 'NUM_FLOAT' ? 2 : 0;
        }
        return index(['NUM_INT', 'NUM_UINT', 'NUM_FLOAT', 'STRING', 'BYTES', 'true', 'false', 'null']);
      case 'escapeIdent':
        return index(['IDENTIFIER', 'ESC_IDENTIFIER']);
      case 'calcOperator':
        return PRODUCT_TOKENS.includes(kind) ? 0 : 1;
    }
  }

  /** Of the alternatives of primary that begin with a name: the name alone, a call, an object. */
  #chooseName(): number {
    let ahead = this.#kind() === '.' ? 1 : 0;
    if (this.#kind(ahead) !== 'IDENTIFIER') throw this.#noViableAlternative(ahead);
    if (this.#kind(ahead + 1) === '(') return 1;
    while (this.#kind(ahead + 1) === '.' && this.#kind(ahead + 2) === 'IDENTIFIER') ahead += 2;
    return this.#kind(ahead + 1) === '{' ? OBJECT : 0;
  }

  #goesOn(loop: Loop, piece: Piece, rank: number): boolean {
    const kind = this.#kind();
    switch (loop) {
      case 'nextToken':
        return this.#begins(piece);
      case 'operators':
        return this.#begins(piece) && operatorRank(kind) >= rank;
      case 'items':
        return kind === ',' && this.#firstAfter(piece, ',').has(this.#kind(1));
      case 'minuses': {
        if (kind !== '-') {
          if (this.#startsMember(kind)) return false;
          throw this.#noViableAlternative(0);
        }
        const next = this.#kind(1);
        if (next === '-' || this.#startsMember(next)) return true;
        throw this.#noViableAlternative(1);
      }
    }
  }

  /** A field without a name; in an object it is told of the list of fields. */
  #noteMissingName(start: Token): void {
    const field = this.#invocation?.caller;
    this.#note('unsupported ident kind', field?.rule === 'optField' ? (field.caller?.start ?? start) : start);
  }

  /** A name that is reserved is wrong besides. */
  #noteReservedName(): void {
    const name = this.#kind() === '.' ? this.#token(1) : this.#token();
    if (name.kind === 'IDENTIFIER' && RESERVED.has(name.text)) {
      this.#note(`reserved identifier: ${name.text}`, this.#token());
    }
  }

  #note(message: string, { offset }: Token): void {
    this.#notes.push(this.#source.issue(message, offset));
  }

  #begins(piece: Piece): boolean {
    return this.#lookahead(beginOf(piece)).tokens.has(this.#kind());
  }

  /** What may follow the token `kind` with which `piece` begins. */
  #firstAfter(piece: Piece, kind: TokenKind): ReadonlySet<TokenKind> {
    const [transition] = beginOf(piece).transitions;
    if (transition?.kind !== 'tokens' || !transition.tokens.includes(kind)) return new Set();
    return this.#lookahead(transition.target).tokens;
  }

  #startsMember(kind: TokenKind): boolean {
    return this.#lookahead(this.#grammar.member.start).tokens.has(kind) && kind !== '-';
  }

  #match(kinds: readonly TokenKind[]): void {
    if (kinds.includes(this.#kind())) {
      this.#endRecovery();
      this.#consume();
      return;
    }
    this.#countRecovery();
    if (this.#deleteToken()) {
      this.#consume();
    } else if (!this.#insertToken()) {
      throw this.#mismatch();
    }
  }

  /** Before a decision: is the next token one that fits? If not, tries to make it so. cel-go: Sync. */
  #sync(state: State): void {
    this.#state = state;
    if (this.#recovering) return;
    const { tokens, ruleEnd } = this.#lookahead(state);
    if (ruleEnd || tokens.has(this.#kind())) return;
    if (state.kind === 'decision') {
      if (!this.#deleteToken()) throw this.#mismatch();
    } else if (state.kind === 'loopBack') {
      this.#reportUnwanted();
      this.#consumeUntil(new Set([...this.#expected(), ...this.#recoverySet()]), { count: 0 });
    }
  }

  /** Leaves the next token out if the one behind it fits. */
  #deleteToken(): boolean {
    if (!this.#expected().has(this.#kind(1))) return false;
    this.#reportUnwanted();
    this.#consume();
    this.#endRecovery();
    return true;
  }

  /** Takes the wanted token for written if the next one fits behind it. */
  #insertToken(): boolean {
    const target = this.#state.transitions[0]?.target;
    if (target === undefined || !this.#lookahead(target, this.#invocation).tokens.has(this.#kind())) return false;
    const token = this.#token();
    this.#reportError(`missing ${this.#describe(this.#expected())} at ${display(token)}`, token);
    return true;
  }

  /** Skips to a token that some caller can go on with. */
  #recover(): void {
    this.#countRecovery();
    const skipped = { count: 0 };
    if (this.#lastErrorPosition === this.#position && this.#lastErrorStates.has(this.#state)) this.#skip(skipped);
    this.#lastErrorPosition = this.#position;
    this.#lastErrorStates.add(this.#state);
    this.#consumeUntil(this.#recoverySet(), skipped);
  }

  #consumeUntil(kinds: ReadonlySet<TokenKind>, skipped: { count: number }): void {
    while (this.#kind() !== 'EOF' && !kinds.has(this.#kind())) this.#skip(skipped);
  }

  #skip(skipped: { count: number }): void {
    if (++skipped.count > MAX_SKIPPED)
      throw new GaveUp(`error recovery token lookahead limit exceeded: ${MAX_SKIPPED}`);
    this.#consume();
  }

  #countRecovery(): void {
    if (this.#recoveries++ < MAX_RECOVERIES) return;
    this.#notify(`error recovery attempt limit exceeded: ${MAX_RECOVERIES}`, this.#token());
    throw new GaveUp();
  }

  #endRecovery(): void {
    this.#recovering = false;
    this.#lastErrorStates.clear();
    this.#lastErrorPosition = -1;
  }

  #reportUnwanted(): void {
    const token = this.#token();
    this.#reportError(`extraneous input ${display(token)} expecting ${this.#describe(this.#expected())}`, token);
  }

  #mismatch(): RecognitionFailure {
    const token = this.#token();
    const expected = this.#describe(this.#expected());
    return new RecognitionFailure(`mismatched input ${display(token)} expecting ${expected}`, token);
  }

  /** The decision failed at the token `ahead` of the next one. */
  #noViableAlternative(ahead: number): RecognitionFailure {
    const start = this.#token();
    const offending = this.#token(ahead);
    const end = offending.kind === 'EOF' ? offending.offset : offending.offset + offending.text.length;
    const input = start.kind === 'EOF' ? '<EOF>' : this.#readableText(start.offset, end);
    const reserved = /^.(true|false|null)$/.exec(input)?.[1];
    const message =
      reserved === undefined
        ? `no viable alternative at input ${quote(input)}`
        : `mismatched input '${reserved}' expecting IDENTIFIER`;
    return new RecognitionFailure(message, offending);
  }

  /** The text from `start` to `end` without what is no token. */
  #readableText(start: number, end: number): string {
    let text = '';
    let offset = start;
    for (const unreadable of this.#lexicalErrors) {
      if (unreadable.offset < offset || unreadable.offset >= end) continue;
      text += this.#source.text.slice(offset, unreadable.offset);
      offset = unreadable.offset + unreadable.text.length;
    }
    return text + this.#source.text.slice(offset, end);
  }

  #reportError(message: string, offending: Token): void {
    if (this.#recovering) return;
    this.#recovering = true;
    this.#notify(message, offending);
  }

  #notify(message: string, { offset }: Token): void {
    if (this.#reports++ >= MAX_REPORTS) {
      this.#issues.push(this.#source.issue(`Syntax error: More than ${MAX_REPORTS} syntax errors`, offset));
      throw new GaveUp();
    }
    this.#issues.push(this.#source.issue(`Syntax error: ${message}`, offset));
  }

  /** What could stand here, callers considered. ANTLR: ATN.getExpectedTokens. */
  #expected(): ReadonlySet<TokenKind> {
    const { tokens, ruleEnd } = this.#lookahead(this.#state, this.#invocation);
    return ruleEnd ? new Set([...tokens, 'EOF' as const]) : tokens;
  }

  /** What the callers could go on with. */
  #recoverySet(): ReadonlySet<TokenKind> {
    const kinds = new Set<TokenKind>();
    for (let at: Invocation | undefined = this.#invocation; at?.callerState !== undefined; at = at.caller) {
      const follow = at.callerState.transitions[0]?.target;
      if (follow === undefined) continue;
      for (const kind of this.#lookahead(follow).tokens) kinds.add(kind);
    }
    return kinds;
  }

  /** What may come next in `state`; behind the end of the rule only if its `invocation` is given. */
  #lookahead(state: State, invocation?: Invocation): Lookahead {
    const tokens = new Set<TokenKind>();
    let ruleEnd = this.#collect(state, tokens, new Set());
    for (let at = invocation; ruleEnd && at?.callerState !== undefined; at = at.caller) {
      const follow = at.callerState.transitions[0]?.target;
      ruleEnd = follow !== undefined && this.#collect(follow, tokens, new Set());
    }
    return { tokens, ruleEnd };
  }

  /** Adds the tokens that may come next; true if the end of the rule can be reached without one. */
  #collect(state: State, tokens: Set<TokenKind>, visited: Set<State>): boolean {
    if (visited.has(state)) return false;
    visited.add(state);
    if (state.kind === 'ruleEnd') return true;
    let reachesEnd = false;
    for (const transition of state.transitions) {
      if (transition.kind === 'tokens') {
        for (const kind of transition.tokens) tokens.add(kind);
      } else if (transition.kind === 'rule') {
        // No rule of the grammar can be empty, so what follows it does not come next.
        this.#collect(this.#grammar[transition.rule].start, tokens, visited);
      } else if (this.#collect(transition.target, tokens, visited)) {
        reachesEnd = true;
      }
    }
    return reachesEnd;
  }

  #describe(kinds: ReadonlySet<TokenKind>): string {
    const names = KINDS.filter((kind) => kinds.has(kind)).map(nameOf);
    return names.length === 1 ? names.join('') : `{${names.join(', ')}}`;
  }

  #token(ahead = 0): Token {
    const token = this.#tokens[Math.min(this.#position + ahead, this.#tokens.length - 1)];
    if (token === undefined) throw new RangeError('the last token is EOF');
    return token;
  }

  #kind(ahead = 0): TokenKind {
    return this.#token(ahead).kind;
  }

  #consume(): void {
    this.#position = Math.min(this.#position + 1, this.#tokens.length - 1);
  }
}

function beginOf(piece: Piece): State {
  const [first] = piece.kind === 'sequence' ? piece.pieces : [];
  if (first !== undefined) return beginOf(first);
  if (piece.kind === 'sequence') throw new RangeError('a sequence has pieces');
  return piece.state;
}

function isNumber(kind: TokenKind): boolean {
  return kind === 'NUM_INT' || kind === 'NUM_FLOAT';
}

/** How close an operator binds. Selections and indexes bind closest. */
function operatorRank(kind: TokenKind): number {
  if (PRODUCT_TOKENS.includes(kind)) return 2;
  return RELATION_TOKENS.includes(kind) || SUM_TOKENS.includes(kind) ? 1 : 3;
}

function nameOf(kind: TokenKind): string {
  if (kind === 'EOF') return '<EOF>';
  return /^(?:NUM_|STRING|BYTES|IDENTIFIER|ESC_)/.test(kind) ? kind : `'${kind}'`;
}

function display({ kind, text }: Token): string {
  return quote(kind === 'EOF' ? '<EOF>' : text);
}

function quote(text: string): string {
  return `'${text
    .replaceAll('\t', String.raw`\t`)
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\r', String.raw`\r`)}'`;
}
