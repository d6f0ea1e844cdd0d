import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeUtf8, encodeUtf8 } from './byte-string.ts';
import { Failure } from './failure.ts';
import { escapedPath, formatURL, parseRequestURI, parseURL, queryOf } from './go-url.ts';

const pieces = fc.constantFrom(
  ...[
    'http',
    'x',
    ':',
    '/',
    '//',
    '@',
    '[::1]',
    '[',
    ']',
    '%41',
    '%2f',
    '%',
    '?',
    '#',
    '&',
    '=',
    ';',
    '+',
    ' ',
    '日',
    '1',
    '.',
    '*',
  ],
);
const texts = fc.array(pieces, { maxLength: 12 }).map((parts) => encodeUtf8(parts.join('')));

describe('parseURL()', () => {
  it('reads its own printing as the same URL', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const url = parseRequestURI(text) instanceof Failure ? new Failure('not absolute') : parseURL(text);
        if (url instanceof Failure) return;
        // Go prints such a path as it would a host, and does not read it back either.
        fc.pre(
          url.host !== '' ||
            url.user !== undefined ||
            !url.path.escaped.startsWith('//') ||
            (url.scheme !== '' && !url.omitHost),
        );
        const again = parseURL(formatURL(url));
        expect(again).not.toBeInstanceOf(Failure);
        if (!(again instanceof Failure)) expect(formatURL(again)).toBe(formatURL(url));
      }),
    );
  });

  it('reads all that parseRequestURI() reads, but for the fragment', () => {
    fc.assert(
      fc.property(texts, (text) => {
        fc.pre(!text.includes('#') && !text.startsWith('//'));
        const strict = parseRequestURI(text);
        if (!(strict instanceof Failure)) expect(parseURL(text)).toEqual(strict);
      }),
    );
  });
});

describe('escapedPath()', () => {
  it.each([
    ['/path with spaces/', '/path%20with%20spaces/'],
    ['/%7Euser', '/%7Euser'],
    ['/a%2Fb', '/a%2Fb'],
    ['/日', '/%E6%97%A5'],
    ['/a"b', '/a%22b'],
  ])('of %s is %s', (written, escaped) => {
    const url = parseURL(encodeUtf8(written));
    expect(url instanceof Failure ? url : escapedPath(url)).toBe(escaped);
  });
});

describe('queryOf()', () => {
  it('leaves out what cannot be unescaped, keeps the order, decodes plus as blank', () => {
    const url = parseURL('/?a=1&b=%zz&a=2;3&a+b=%E6%97%A5&a=4');
    const query = url instanceof Failure ? [] : [...queryOf(url)];
    expect(query.map(([key, values]) => [key, values.map(decodeUtf8)])).toEqual([
      ['a', ['1', '4']],
      ['a b', ['日']],
    ]);
  });

  it('is empty beyond 10,000 parts', () => {
    const sizeOf = (parts: number): number => {
      const url = parseURL(`/?${Array.from({ length: parts }, (_, index) => `k${index}=v`).join('&')}`);
      return url instanceof Failure ? -1 : queryOf(url).size;
    };
    expect(sizeOf(10_000)).toBe(10_000);
    expect(sizeOf(10_001)).toBe(0);
  });
});
