import type { LexicalError, Token } from './lexer.ts';
import type { CompileIssue, Source } from './source.ts';

export function diagnoseSyntax(
  source: Source,
  tokens: readonly Token[],
  errors: readonly LexicalError[],
): CompileIssue[] {
  return [
    ...errors.map((e) => source.issue(`Syntax error: token recognition error at: '${e.text}'`, e.offset)),
    ...(errors.length ? [] : [source.issue('Syntax error', tokens[0]?.offset)]),
  ];
}
