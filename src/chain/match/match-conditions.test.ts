import { describe, expect, it } from 'vitest';
import {
  compileMatchConditions,
  evaluateConditions,
  evaluateMatchConditions,
  noOpinionAuthorizer,
  type ConditionCompiler,
  type ConditionVariables,
} from '../index.ts';

const variables: ConditionVariables = {
  request: {
    operation: 'CREATE',
    userInfo: { username: 'alice' },
    requestResource: { group: '', version: 'v1', resource: 'pods' },
    options: null,
  },
  object: { spec: { count: 3 } },
  oldObject: null,
  authorizer: noOpinionAuthorizer,
};

const conditions = (...expressions: string[]) =>
  expressions.map((expression, index) => ({ name: `c${index}`, expression }));

/** Conditions that say themselves what they give: `true`, `error` or `compile`, with a price. */
const saying: ConditionCompiler = {
  compile(text) {
    const [answer = '', cost = '0'] = text.split('@');
    if (answer === 'compile') return { kind: 'uncompilable', error: 'compilation failed: x' };
    return {
      kind: 'program',
      evaluate: () =>
        answer === 'error'
          ? { kind: 'error', error: 'no such key: x', cost: Number(cost) }
          : { kind: 'value', value: answer === 'true', cost: Number(cost) },
    };
  },
};
const evaluate = (texts: string[], failurePolicy?: 'Fail' | 'Ignore') =>
  evaluateConditions(compileMatchConditions(conditions(...texts), saying), variables, failurePolicy);

const failure = "expression 'error' resulted in error: no such key: x";

describe('evaluateConditions()', () => {
  it.each([
    ['no conditions', [], { kind: 'matched' }],
    ['all true', ['true', 'true'], { kind: 'matched' }],
    ['the first false', ['false', 'true'], { kind: 'notMatched', condition: 'c0' }],
    ['a false one before an error', ['false', 'error'], { kind: 'notMatched', condition: 'c0' }],
    ['a false one after an error', ['error', 'false'], { kind: 'notMatched', condition: 'c1' }],
    ['one error', ['true', 'error'], { kind: 'failed', message: failure }],
    ['the same error twice', ['error', 'error'], { kind: 'failed', message: failure }],
    [
      'two errors',
      ['error', 'compile'],
      { kind: 'failed', message: `[${failure}, compilation error: compilation failed: x]` },
    ],
    ['a false one beside one that does not compile', ['compile', 'false'], { kind: 'notMatched', condition: 'c1' }],
    ['the whole budget', ['true@2500000'], { kind: 'matched' }],
    [
      'more than the budget, before a false one',
      ['true@1500000', 'true@1000001', 'false'],
      {
        kind: 'failed',
        message: 'validation failed due to running out of cost budget, no further validation rules will be run',
      },
    ],
  ])('with %s', (_, texts, expected) => {
    expect(evaluate(texts)).toEqual(expected);
  });

  it('skips the webhook for an error under Ignore', () => {
    expect(evaluate(['error'], 'Ignore')).toEqual({ kind: 'ignored', errors: [failure] });
  });
});

describe('evaluateMatchConditions()', () => {
  it.each([
    ["request.operation == 'CREATE'", 'matched'],
    ['object.spec.count == 3 && oldObject == null', 'matched'],
    ["request.userInfo.username == 'bob'", 'notMatched'],
    ["authorizer.requestResource.check('get').allowed()", 'notMatched'],
    ['namespaceObject.metadata.name == "x"', 'failed'],
    ['object.spec.paused', 'failed'],
  ])('%s: %s', (expression, kind) => {
    expect(evaluateMatchConditions(conditions(expression), variables).kind).toBe(kind);
  });

  it('tells what does not compile', () => {
    expect(evaluateMatchConditions(conditions('object.spec.count'), variables, 'Fail')).toEqual({
      kind: 'failed',
      message: 'compilation error: must evaluate to bool but got dyn',
    });
  });
});
