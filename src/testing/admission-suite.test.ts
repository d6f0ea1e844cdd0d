import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AdmissionSuiteError, readAdmissionSuite } from './admission-suite.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-suite-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const head = 'apiVersion: config.sallyport.dev/v1alpha1\nkind: AdmissionTest\n';
const suite = (text: string): string => {
  const file = join(folder, 'a.admission-test.yaml');
  writeFileSync(file, text);
  return file;
};
const widget = (expectation: string, spec = '{ size: 1 }'): string =>
  suite(`${head}tests:
  - name: a widget
    object: { apiVersion: example.com/v1, kind: Widget, metadata: { name: a }, spec: ${spec} }
    expect: ${expectation}
`);

async function failures(file: string): Promise<readonly string[]> {
  const cases = await readAdmissionSuite(file);
  return (await Promise.all(cases.map(({ run }) => run()))).flatMap((result) => result.failures);
}

describe('readAdmissionSuite()', () => {
  it('holds the examples', async () => {
    const file = resolve(import.meta.dirname, '../../examples/getting-started/getting-started.admission-test.yaml');
    expect(await failures(file)).toEqual([]);
  });

  it.each([
    ['the decision', '{ decision: denied }', 'expected denied, but it is allowed'],
    ['a field', '{ decision: allowed, fields: { spec.size: 2 } }', 'expected spec.size to be 2, but it is 1'],
    [
      'an absent field',
      '{ decision: allowed, fields: { spec.size: null } }',
      'expected spec.size to be null, but it is 1',
    ],
    ['the warnings', '{ decision: allowed, warnings: [late] }', 'expected the warnings ["late"], but they are []'],
    ['the object', '{ decision: allowed, object: { kind: Widget } }', 'the object differs from what was expected'],
    ['the message', '{ decision: denied, message: why }', 'expected the message to contain "why"'],
  ])('finds another value of %s', async (_name, expectation, failure) => {
    expect((await failures(widget(expectation))).join('\n')).toContain(failure);
  });

  it('reads objects as kubectl does', async () => {
    const fields = '{ spec.mode: 420, spec.on: true, spec.big: 12345678901234567891 }';
    const spec = '{ mode: 0644, "on": yes, big: 12345678901234567891 }';
    expect(
      await failures(widget(`{ decision: allowed, fields: ${fields.replace('spec.on', '"spec.on"')} }`, spec)),
    ).toEqual([]);
    const former = '{ spec.big: 12345678901234567892 }';
    expect(await failures(widget(`{ decision: allowed, fields: ${former} }`, spec))).toHaveLength(1);
  });

  it.each([
    ['no tests', `${head}tests: []\n`, /:1: tests: /],
    ['an unknown key', `${head}tests:\n  - name: a\n    object: {}\n    expects: {}\n`, /:4: tests\.0: .*expects/s],
    ['broken YAML', `${head}tests: [`, /yaml:\d+: /],
    ['an alias of nothing', `${head}tests: *nothing\n`, /:1: /],
    ['nothing', '', /:1: /],
  ])('refuses %s, naming file and line', async (_name, text, message) => {
    const refused = readAdmissionSuite(suite(text));
    await expect(refused).rejects.toThrow(AdmissionSuiteError);
    await expect(refused).rejects.toThrow(message);
  });
});
