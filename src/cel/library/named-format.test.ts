import { describe, expect, it } from 'vitest';
import { namedFormats } from './named-format.ts';

describe('namedFormats', () => {
  it.each([
    ['uuid', '123e4567-e89b-12d3-a456-426614174000', []],
    ['uuid', '123e4567-e89b-12d3-a456', ['does not match the UUID format']],
    ['byte', 'aGVsbG8=', []],
    ['byte', '', ['invalid base64']],
    ['date', '2024-02-29', []],
    ['date', '2023-02-29', ['invalid date']],
    ['datetime', '2024-02-29t23:59:59.5z', []],
    ['datetime', '2024-02-29T24:00:00Z', ['invalid datetime']],
    ['uri', '/path', []],
    ['uri', 'path', ['parse "path": invalid URI for request']],
    ['dns1123LabelPrefix', 'web-', []],
    ['dns1123LabelPrefix', 'é-', ['a lowercase RFC 1123 label must consist']],
    ['dns1035LabelPrefix', '1-', []],
    ['dns1035LabelPrefix', '1a-', ['a DNS-1035 label must consist']],
  ])('%s of %j complains of %j', (name, text, problems) => {
    const found = namedFormats.get(name)?.problems(text) ?? ['no such format'];
    expect(found).toEqual(problems.map((problem) => expect.stringContaining(problem) as string));
  });

  it('judge hostile text in linear time', () => {
    const hostile = `${'a'.repeat(200_000)}!`;
    const started = performance.now();
    for (const { problems } of namedFormats.values())
      expect(problems(hostile)).toSatisfy((found) => found !== undefined);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
