import { describe, expect, it } from 'vitest';
import { compile, createAdmissionEnvironment } from '../index.ts';

const environment = createAdmissionEnvironment();

function evaluate(expression: string) {
  const compiled = compile(expression, environment);
  return compiled.ok ? compiled.program.evaluate(new Map()) : compiled;
}

describe('urlLibrary', () => {
  it.each([
    ['url("https://user:pass@example.com:80/path?query=val#fragment").getHost()', 'example.com:80'],
    ['url("HTTPS://EXAMPLE.com/").getScheme()', 'https'],
    ['url("https://EXAMPLE.com:443/").getHost()', 'EXAMPLE.com:443'],
    ['url("https://[::1]:80/").getHost()', '[::1]:80'],
    ['url("https://[::1]:80/").getHostname()', '::1'],
    ['url("https://[::1]:80/").getPort()', '80'],
    ['url("/path").getHost()', ''],
    ['url("https://example.com").getEscapedPath()', ''],
    ['url("https://example.com/path with spaces/").getEscapedPath()', '/path%20with%20spaces/'],
    ['url("https://example.com/a/../b").getEscapedPath()', '/a/../b'],
    ['url("https://x/?k1=a&k2=b&k2=c").getQuery() == {"k1": ["a"], "k2": ["b", "c"]}', true],
    ['url("/?a=1;b=2&c=%zz").getQuery() == {}', true],
    ['url("/?constructor=x").getQuery().constructor == ["x"]', true],
    ['"toString" in url("/?a=b").getQuery()', false],
    ['isURL("/absolute-path")', true],
    ['isURL("../relative-path")', false],
    ['isURL("https://a:b:c/")', false],
    ['isURL("http://exa mple.com/")', false],
    ['url("https://x/?") == url("https://x/")', false],
    ['url("https://x/#%41") == url("https://x/#%41")', true],
  ])('%s', (expression, expected) => {
    expect(evaluate(expression)).toMatchObject({ ok: true, value: expected });
  });

  it.each([
    [
      'url("../relative-path")',
      'URL parse error during conversion from string: parse "../relative-path": invalid URI for request',
    ],
    [
      'url("https://a:b:c/")',
      'URL parse error during conversion from string: parse "https://a:b:c/": invalid port ":b:c" after host',
    ],
    ['url("/%日")', 'URL parse error during conversion from string: parse "/%日": invalid URL escape "%\\xe6\\x97"'],
    ['url("/#%zz")', 'URL parse error during conversion from string: parse "/#%zz": invalid URL escape "%zz"'],
  ])('%s fails: %s', (expression, expected) => {
    expect(evaluate(expression)).toMatchObject({ ok: false, error: { message: expected } });
  });

  it.each([
    ['url("https://example.com/")', 2],
    ['isURL("https://example.com/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")', 1],
    ['url("/").getQuery()', 2],
    ['url("/") == url("/")', 3],
  ])('%s costs %d', (expression, expected) => {
    expect(evaluate(expression)).toMatchObject({ cost: expected });
  });
});
