import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InvalidDefinitionError } from '../admission/index.ts';
import { silentLogger } from '../telemetry/index.ts';
import { WebhookFileError } from '../sources/errors.ts';
import { loadWebhooks } from '../sources/webhook-files.ts';
import { WebhookThread } from './webhook-thread.ts';

let folder: string;
beforeEach(() => {
  // Inside the repository, so that the files find the package `sallyport`.
  mkdirSync(join(import.meta.dirname, '../../.cache'), { recursive: true });
  folder = mkdtempSync(join(import.meta.dirname, '../../.cache/webhooks-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string): string => {
  const file = join(folder, name);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  return file;
};
const webhook = (name: string, change = '') =>
  `import { defineValidator } from 'sallyport';
export const ${name} = defineValidator({ name: '${name}.example.com', resource: 'pods', operations: ['CREATE'], handler: () => undefined, ${change} });
`;

describe('loadWebhooks()', () => {
  it('finds what .ts and .js files export, alone or in lists, in subfolders too', async () => {
    write('a.ts', webhook('a'));
    write('b.js', webhook('b'));
    write('more/c.mjs', `${webhook('c')}export default [c];\nexport const other = 1;\n`);
    const names = (await loadWebhooks(folder)).map(({ name }) => name);
    expect(names.sort()).toEqual(['a.example.com', 'b.example.com', 'c.example.com']);
  });

  it('passes over tests, declarations and hidden files', async () => {
    write('a.ts', webhook('a'));
    write('a.test.ts', 'throw new Error("a test");');
    write('a.d.ts', 'throw new Error("a declaration");');
    write('_draft.ts', 'throw new Error("a draft");');
    write('.hidden/x.ts', 'throw new Error("hidden");');
    expect(await loadWebhooks(folder)).toHaveLength(1);
  });

  it('reads a single file', async () => {
    expect(await loadWebhooks(write('a.ts', webhook('a')))).toHaveLength(1);
  });
});

describe('a webhook file that', () => {
  const cases: ReadonlyArray<[string, string, RegExp]> = [
    ['has an enum', 'export const a = 1;\nenum E { A }\n', /bad\.ts:2: .*enum is not supported.*erasableSyntaxOnly/],
    ['has a syntax error', 'export const a = ;\n', /bad\.ts(:1)?: does not load/],
    ['imports what is not there', "import './nothing.ts';\n", /bad\.ts.*does not load: .*nothing\.ts/],
    ['throws', 'const a = 1;\nthrow new Error("no such thing");\n', /bad\.ts:2: does not load: no such thing/],
    ['exports no webhook', 'export const a = 1;\n', /bad\.ts: exports no webhook; expected .*defineMutator/],
    [
      'defines a bad rule',
      webhook('bad', "operations: ['PATCH']").replace("operations: ['CREATE'], ", ''),
      /bad\.ts:2: webhook bad\.example\.com: operations\[0\]: "PATCH" is not one of/,
    ],
  ];

  it.each(cases)('%s is refused with file, line and what was expected', async (_name, text, message) => {
    write('bad.ts', text);
    // A thread of its own loads it as Node does; the test runner would transform it.
    await expect(
      WebhookThread.start({ paths: [folder], selection: {}, quotes: 'objects' }, silentLogger, () => undefined),
    ).rejects.toThrow(message);
  });

  it('waits for ever at its top level is given up', async () => {
    const file = write('bad.mjs', 'await new Promise(() => undefined);\n');
    await expect(loadWebhooks(file, { timeoutMilliseconds: 50 })).rejects.toThrow(
      /bad\.mjs: has not loaded after 0\.05 s/,
    );
  });

  it('is not there at all', async () => {
    await expect(loadWebhooks(join(folder, 'nowhere'))).rejects.toThrow(WebhookFileError);
    await expect(loadWebhooks(folder)).rejects.toThrow(/holds no webhook; expected \.ts or \.js files/);
  });

  it('defines what is wrong throws what the definition throws', async () => {
    const file = write('bad.ts', webhook('bad', 'timeoutSeconds: 99'));
    await expect(loadWebhooks(file)).rejects.toThrow(InvalidDefinitionError);
  });
});

describe('WebhookThread', () => {
  const start = (paths = [folder]) =>
    WebhookThread.start({ paths, selection: {}, quotes: 'objects' }, silentLogger, () => undefined);
  const review = JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      operation: 'CREATE',
      userInfo: {},
      object: { metadata: {} },
    },
  });

  it('answers as the webhook in its thread does, and forgets it when it is stopped', async () => {
    const file = write(
      'a.ts',
      webhook('a', "handler: () => { throw new Error('first'); }").replace('handler: () => undefined, ', ''),
    );
    const first = await start();
    const [definition] = first.definitions;
    if (definition === undefined) throw new Error('no definition');
    expect(await first.answer(definition, review, AbortSignal.timeout(5000))).toMatchObject({
      httpStatus: 500,
      outcome: 'fault',
    });
    await first.stop();

    writeFileSync(file, webhook('a'));
    const second = await start();
    expect(await second.answer(definition, review, AbortSignal.timeout(5000))).toMatchObject({
      httpStatus: 200,
      outcome: 'allowed',
    });
    await second.stop();
  });

  it.each([
    ['ends the process', 'process.exit(3)'],
    ['throws outside of itself', 'new Promise(() => setTimeout(() => { throw new Error("outside"); }))'],
  ])('answers with a fault, then and later, when a handler %s', async (_name, body) => {
    write('a.ts', webhook('a', `handler: () => ${body}`).replace('handler: () => undefined, ', ''));
    const thread = await start();
    const [definition] = thread.definitions;
    if (definition === undefined) throw new Error('no definition');
    const ended = { httpStatus: 500, outcome: 'fault', body: expect.stringContaining('has ended') as string };
    expect(await thread.answer(definition, review, AbortSignal.timeout(5000))).toMatchObject(ended);
    expect(await thread.answer(definition, review, AbortSignal.timeout(5000))).toMatchObject(ended);
  });

  it('outlives a promise that is rejected while nobody waits for it', async () => {
    const handler =
      'handler: async () => { const late = Promise.reject(new Error("stray")); await new Promise((done) => setImmediate(() => setImmediate(done))); await late; }';
    write('a.ts', webhook('a', handler).replace('handler: () => undefined, ', ''));
    const thread = await start();
    const [definition] = thread.definitions;
    if (definition === undefined) throw new Error('no definition');
    for (let round = 0; round < 2; round += 1) {
      const answer = await thread.answer(definition, review, AbortSignal.timeout(5000));
      expect(answer).toMatchObject({ httpStatus: 500, body: expect.stringContaining('the handler failed') as string });
    }
    await thread.stop();
  });

  it('answers 404 for a webhook that the new files do not define', async () => {
    write('a.ts', webhook('a'));
    const thread = await start();
    const [definition] = thread.definitions;
    if (definition === undefined) throw new Error('no definition');
    const gone = { ...definition, name: 'gone.example.com' };
    expect(await thread.answer(gone, review, AbortSignal.timeout(5000))).toMatchObject({ httpStatus: 404 });
    await thread.stop();
  });

  it('hands the abort on', async () => {
    const handler =
      'handler: (_request, { signal }) => new Promise((resolve) => signal.addEventListener("abort", resolve))';
    write('a.ts', webhook('a', handler).replace('handler: () => undefined, ', ''));
    const thread = await start();
    const [definition] = thread.definitions;
    if (definition === undefined) throw new Error('no definition');
    const controller = new AbortController();
    const pending = thread.answer(definition, review, controller.signal);
    controller.abort();
    expect(await pending).toMatchObject({ httpStatus: 504 });
    await thread.stop();
  });
});
