import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeUtf8, encodeUtf8, quoteBytes } from './byte-string.ts';

describe('encodeUtf8() and decodeUtf8()', () => {
  it('give back every text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(decodeUtf8(encodeUtf8(text))).toBe(text);
      }),
    );
  });

  it.each([
    ['a\xe6\x97b', 'a\uFFFD\uFFFDb'],
    ['\xff', '\uFFFD'],
    ['\xc0\x80', '\uFFFD\uFFFD'],
    ['\xed\xa0\x80', '\uFFFD\uFFFD\uFFFD'],
    ['\xf4\x90\x80\x80', '\uFFFD\uFFFD\uFFFD\uFFFD'],
    ['\xe6\x97\xa5\xa5', '日\uFFFD'],
  ])('decode %j as Go does, one U+FFFD for each stray byte', (bytes, text) => {
    expect(decodeUtf8(bytes)).toBe(text);
  });
});

describe('quoteBytes()', () => {
  it.each([
    ['plain', '"plain"'],
    ['a "b" \\ \n\t\x00\x7f', '"a \\"b\\" \\\\ \\n\\t\\x00\\x7f"'],
    [encodeUtf8('日本\u00ad😀'), '"日本\\u00ad😀"'],
    ['%\xe6\x97', '"%\\xe6\\x97"'],
  ])('quotes %j as strconv.Quote does', (bytes, quoted) => {
    expect(quoteBytes(bytes)).toBe(quoted);
  });
});
