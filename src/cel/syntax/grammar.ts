/**
 * The grammar of CEL as a network of states, as ANTLR builds it. It serves to say what could have stood where an
 * expression is wrong; parser.ts parses without it.
 *
 * Source: cel-go v0.29.2 parser/gen/CEL.g4; the shape of the network is that of ANTLR 4.13's ParserATNFactory.
 */
import type { TokenKind } from './lexer.ts';

export type RuleName =
  | 'start'
  | 'expr'
  | 'conditionalOr'
  | 'conditionalAnd'
  | 'relation'
  | 'calc'
  | 'unary'
  | 'member'
  | 'primary'
  | 'exprList'
  | 'listInit'
  | 'fieldInitializerList'
  | 'optField'
  | 'mapInitializerList'
  | 'escapeIdent'
  | 'optExpr'
  | 'literal';

/** How error recovery treats a state where the parser looks ahead. */
export type StateKind = 'basic' | 'decision' | 'loopBack' | 'ruleEnd';

export type Transition =
  | { readonly kind: 'epsilon'; readonly target: State }
  | { readonly kind: 'tokens'; readonly tokens: readonly TokenKind[]; readonly target: State }
  | { readonly kind: 'rule'; readonly rule: RuleName; readonly target: State };

/** A point within a rule. */
export class State {
  readonly kind: StateKind;
  readonly transitions: Transition[] = [];

  constructor(kind: StateKind) {
    this.kind = kind;
  }
}

/** Choices that more than the next token decides; the recognizer knows how. */
export type Choice = 'unary' | 'member' | 'primary' | 'literal' | 'escapeIdent' | 'calcOperator';

/** Loops: by the next token alone, over operators as their rank allows, over items whose list may end in a comma. */
export type Loop = 'nextToken' | 'operators' | 'items' | 'minuses';

/** A piece of a rule, and the states it begins, decides and loops in. */
export type Piece =
  | { readonly kind: 'tokens'; readonly state: State; readonly tokens: readonly TokenKind[] }
  | { readonly kind: 'rule'; readonly state: State; readonly rule: RuleName; readonly rank: number }
  | { readonly kind: 'sequence'; readonly pieces: readonly Piece[] }
  | { readonly kind: 'choice'; readonly state: State; readonly choice: Choice; readonly alternatives: readonly Piece[] }
  | { readonly kind: 'optional'; readonly state: State; readonly piece: Piece }
  | {
      readonly kind: 'star' | 'plus';
      readonly state: State;
      readonly back: State;
      readonly loop: Loop;
      readonly piece: Piece;
    };

/** A rule: its first state and what it consists of. */
export interface Rule {
  readonly start: State;
  readonly body: Piece;
}

export type Grammar = Readonly<Record<RuleName, Rule>>;

/** Relational operators, all of one rank. */
export const RELATION_TOKENS: readonly TokenKind[] = ['==', '!=', 'in', '<', '<=', '>=', '>'];
/** Operators that bind closest. */
export const PRODUCT_TOKENS: readonly TokenKind[] = ['*', '/', '%'];
export const SUM_TOKENS: readonly TokenKind[] = ['+', '-'];

/** Builds a piece that leads from a fresh state to `end`. */
type Build = (end: State) => { readonly begin: State; readonly piece: Piece };

/** The network of the whole grammar. */
export function buildGrammar(): Grammar {
  const items = (item: Build): Build => sequence(item, star('items', sequence(token(','), item)));
  const keyValue = sequence(rule('optExpr'), token(':'), rule('expr'));
  const field = sequence(rule('optField'), token(':'), rule('expr'));
  const listOf = (open: TokenKind, list: RuleName, close: TokenKind): Build =>
    sequence(token(open), optional(rule(list)), optional(token(',')), token(close));
  const call = sequence(token('('), optional(rule('exprList')), token(')'));
  const name = sequence(optional(token('.')), token('IDENTIFIER'));
  return {
    start: define(sequence(rule('expr'), token('EOF'))),
    expr: define(
      sequence(rule('conditionalOr'), optional(sequence(token('?'), rule('conditionalOr'), token(':'), rule('expr')))),
    ),
    conditionalOr: define(
      sequence(rule('conditionalAnd'), star('nextToken', sequence(token('||'), rule('conditionalAnd')))),
    ),
    conditionalAnd: define(sequence(rule('relation'), star('nextToken', sequence(token('&&'), rule('relation'))))),
    relation: define(
      sequence(rule('calc'), star('operators', sequence(token(...RELATION_TOKENS), rule('relation', 2)))),
    ),
    calc: define(
      sequence(
        rule('unary'),
        star(
          'operators',
          choice(
            'calcOperator',
            sequence(token(...PRODUCT_TOKENS), rule('calc', 3)),
            sequence(token(...SUM_TOKENS), rule('calc', 2)),
          ),
        ),
      ),
    ),
    unary: define(
      choice(
        'unary',
        rule('member'),
        sequence(plus('nextToken', token('!')), rule('member')),
        sequence(plus('minuses', token('-')), rule('member')),
      ),
    ),
    member: define(
      sequence(
        rule('primary'),
        star(
          'operators',
          choice(
            'member',
            sequence(token('.'), optional(token('?')), rule('escapeIdent')),
            sequence(token('.'), token('IDENTIFIER'), call),
            sequence(token('['), optional(token('?')), rule('expr'), token(']')),
          ),
        ),
      ),
    ),
    primary: define(
      choice(
        'primary',
        name,
        sequence(name, call),
        sequence(token('('), rule('expr'), token(')')),
        listOf('[', 'listInit', ']'),
        listOf('{', 'mapInitializerList', '}'),
        sequence(
          name,
          star('nextToken', sequence(token('.'), token('IDENTIFIER'))),
          listOf('{', 'fieldInitializerList', '}'),
        ),
        rule('literal'),
      ),
    ),
    exprList: define(sequence(rule('expr'), star('nextToken', sequence(token(','), rule('expr'))))),
    listInit: define(items(rule('optExpr'))),
    fieldInitializerList: define(items(field)),
    optField: define(sequence(optional(token('?')), rule('escapeIdent'))),
    mapInitializerList: define(items(keyValue)),
    escapeIdent: define(choice('escapeIdent', token('IDENTIFIER'), token('ESC_IDENTIFIER'))),
    optExpr: define(sequence(optional(token('?')), rule('expr'))),
    literal: define(
      choice(
        'literal',
        sequence(optional(token('-')), token('NUM_INT')),
        token('NUM_UINT'),
        sequence(optional(token('-')), token('NUM_FLOAT')),
        token('STRING'),
        token('BYTES'),
        token('true'),
        token('false'),
        token('null'),
      ),
    ),
  };
}

function define(body: Build): Rule {
  const { begin, piece } = body(new State('ruleEnd'));
  return { start: begin, body: piece };
}

function token(...tokens: readonly TokenKind[]): Build {
  return (end) => {
    const state = new State('basic');
    state.transitions.push({ kind: 'tokens', tokens, target: end });
    return { begin: state, piece: { kind: 'tokens', state, tokens } };
  };
}

/** `rank`: the least rank of operators that the rule, if it has any, may take. */
function rule(name: RuleName, rank = 0): Build {
  return (end) => {
    const state = new State('basic');
    state.transitions.push({ kind: 'rule', rule: name, target: end });
    return { begin: state, piece: { kind: 'rule', state, rule: name, rank } };
  };
}

function sequence(...parts: readonly Build[]): Build {
  return (end) => {
    let begin = end;
    const pieces: Piece[] = [];
    for (const part of parts.toReversed()) {
      const built = part(begin);
      begin = built.begin;
      pieces.unshift(built.piece);
    }
    return { begin, piece: { kind: 'sequence', pieces } };
  };
}

function choice(name: Choice, ...parts: readonly Build[]): Build {
  return (end) => {
    const state = new State('decision');
    const alternatives = parts.map((part) => {
      const { begin, piece } = part(end);
      state.transitions.push({ kind: 'epsilon', target: begin });
      return piece;
    });
    return { begin: state, piece: { kind: 'choice', state, choice: name, alternatives } };
  };
}

function optional(part: Build): Build {
  return (end) => {
    const state = new State('decision');
    const { begin, piece } = part(end);
    state.transitions.push({ kind: 'epsilon', target: begin }, { kind: 'epsilon', target: end });
    return { begin: state, piece: { kind: 'optional', state, piece } };
  };
}

function star(loop: Loop, part: Build): Build {
  return (end) => {
    const state = new State('decision');
    const back = new State('loopBack');
    const { begin, piece } = part(back);
    state.transitions.push({ kind: 'epsilon', target: begin }, { kind: 'epsilon', target: end });
    back.transitions.push({ kind: 'epsilon', target: state });
    return { begin: state, piece: { kind: 'star', state, back, loop, piece } };
  };
}

function plus(loop: Loop, part: Build): Build {
  return (end) => {
    const state = new State('decision');
    const back = new State('loopBack');
    const { begin, piece } = part(back);
    state.transitions.push({ kind: 'epsilon', target: begin });
    back.transitions.push({ kind: 'epsilon', target: state }, { kind: 'epsilon', target: end });
    return { begin: state, piece: { kind: 'plus', state, back, loop, piece } };
  };
}
