import { describe, expect, it } from 'vitest';
import { compile, createAdmissionEnvironment } from '../index.ts';

const environment = createAdmissionEnvironment();

function evaluate(expression: string) {
  const compiled = compile(expression, environment);
  return compiled.ok ? compiled.program.evaluate(new Map()) : compiled;
}

describe('formatLibrary', () => {
  it.each([
    ['format.dns1123Label().validate("my-name").hasValue()', false],
    ['format.dns1123Label().validate("a.b").value() == ["must not contain dots"]', true],
    ['format.dns1123LabelPrefix().validate("web-").hasValue()', false],
    ['format.qualifiedName().validate("example.com/MyName").hasValue()', false],
    ['format.uuid().validate("x").value() == ["does not match the UUID format"]', true],
    ['format.uri().validate("x").value()[0]', 'parse "x": invalid URI for request'],
    ['format.named("uuid").value() == format.uuid()', true],
    ['format.named("DNS1123Label").hasValue()', false],
    ['format.named("constructor").hasValue()', false],
  ])('%s', (expression, expected) => {
    expect(evaluate(expression)).toMatchObject({ ok: true, value: expected });
  });

  it.each([
    ['format.named("foo").value().validate("x")', 'optional.none() dereference'],
    ['format.uuid() == dyn("uuid")', 'no such overload'],
  ])('%s fails: %s', (expression, expected) => {
    expect(evaluate(expression)).toMatchObject({ ok: false, error: { message: expected } });
  });

  it.each([
    ['format.named("uuid")', 1],
    ['format.uuid()', 1],
    ['format.dns1123Label().validate("0123456789")', 17],
    ['format.uri().validate("0123456789")', 553],
  ])('%s costs %d', (expression, expected) => {
    expect(evaluate(expression)).toMatchObject({ cost: expected });
  });
});
