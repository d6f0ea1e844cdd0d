import { describe, expect, it } from 'vitest';
import {
  defineMutator,
  defineValidator,
  DuplicateWebhookError,
  UnknownWebhookError,
  WebhookRegistry,
} from './index.ts';

const make = (name: string, path?: string) =>
  defineValidator({
    name: `${name}.example.com`,
    ...(path !== undefined && { path }),
    resource: 'pods',
    operations: ['CREATE'],
    handler: () => undefined,
  });

describe('WebhookRegistry', () => {
  it('lists by name, whatever the order of arrival', () => {
    const names = [...new WebhookRegistry([make('b'), make('a'), make('c')])].map(({ name }) => name);
    expect(names).toEqual(['a.example.com', 'b.example.com', 'c.example.com']);
  });

  it.each([
    ['name', make('a'), make('a', '/other')],
    ['path', make('a', '/same'), make('b', '/same')],
    [
      'name',
      make('a'),
      defineMutator({ name: 'a.example.com', resource: 'pods', operations: ['CREATE'], handler: () => undefined }),
    ],
  ])('refuses a repeated %s, naming both places', (property, first, second) => {
    const registry = new WebhookRegistry([first]);
    expect(() => registry.add(second)).toThrow(DuplicateWebhookError);
    expect(() => registry.add(second)).toThrow(expect.objectContaining({ property }) as Error);
    expect(() => registry.add(second)).toThrow(/registry\.test\.ts:\d+ and in .*registry\.test\.ts:\d+/);
    expect(registry.size).toBe(1);
  });

  it('finds by path', () => {
    const a = make('a');
    expect(new WebhookRegistry([a]).byPath('/validate/a.example.com')).toBe(a);
    expect(new WebhookRegistry([a]).byPath('/validate/b.example.com')).toBeUndefined();
  });

  it.each([
    [{}, ['a', 'b', 'c']],
    [{ enable: ['b.example.com'] }, ['b']],
    [{ enable: ['/validate/b.example.com', 'a.example.com'] }, ['a', 'b']],
    [{ disable: ['/validate/b.example.com'] }, ['a', 'c']],
    [{ enable: ['a.example.com', 'b.example.com'], disable: ['a.example.com'] }, ['b']],
    [{ enable: [] }, []],
  ])('selects %o', (selection, expected) => {
    const registry = new WebhookRegistry([make('a'), make('b'), make('c')]);
    expect([...registry.select(selection)].map(({ name }) => name)).toEqual(
      expected.map((name) => `${name}.example.com`),
    );
  });

  it('refuses an unknown name, listing the known ones', () => {
    const registry = new WebhookRegistry([make('a')]);
    expect(() => registry.select({ disable: ['b.example.com'] })).toThrow(UnknownWebhookError);
    expect(() => registry.select({ enable: ['/b'] })).toThrow('a.example.com');
  });
});
