import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deliverableWarnings } from './index.ts';

describe('deliverableWarnings()', () => {
  it.each([
    [
      ['one', 'two'],
      ['one', 'two'],
    ],
    [['one', 'one'], ['one']],
    [['', '  '], []],
    [['first\nsecond\r\nthird'], ['first', 'second', 'third']],
    [['tab\there'], ['tab here']],
    [['\ud800'], ['\ufffd']],
  ])('%o becomes %o', (given, expected) => {
    expect(deliverableWarnings(given)).toEqual(expected);
  });

  it('cuts visibly once all together pass 4096 characters', () => {
    const cut = deliverableWarnings(['short', 'x'.repeat(5000)]);
    expect(cut).toEqual(['short', `${'x'.repeat(255)}…`]);
    const many = deliverableWarnings(Array.from({ length: 40 }, (_, index) => `${index} ${'y'.repeat(300)}`));
    expect(many.at(-1)).toMatch(/^… and \d+ more warnings/);
  });

  it('always fits what the API server delivers whole', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 700 }), { maxLength: 30 }), (warnings) => {
        const delivered = deliverableWarnings(warnings);
        expect(delivered.reduce((sum, text) => sum + [...text].length, 0)).toBeLessThanOrEqual(4096);
        // eslint-disable-next-line no-control-regex -- control characters are what must not be there
        for (const text of delivered) expect(text).toMatch(/^[^\u0000-\u001f\u007f-\u009f]+$/);
      }),
    );
  });
});
