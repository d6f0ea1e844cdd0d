import { describe, expect, it } from 'vitest';
import { parseMediaType } from './media-type.ts';
import { goSeconds, webhookUrl } from './url.ts';

describe('webhookUrl()', () => {
  it.each([
    [{ service: { name: 'hooks', namespace: 'ops' } }, 'https://hooks.ops.svc:443/'],
    [{ service: { name: 'hooks', namespace: 'ops', port: 8443, path: '/a/b/' } }, 'https://hooks.ops.svc:8443/a/b'],
    [{ url: 'https://example.com' }, 'https://example.com/'],
    [{ url: 'HTTPS://Example.COM:8443/X' }, 'https://Example.COM:8443/X'],
    [{ url: 'https://example.com/a//b/../c/.' }, 'https://example.com/a/c'],
    [{ url: 'https://example.com/%41%2Fb%20c' }, 'https://example.com/A/b%20c'],
    [{ url: "https://example.com/it's(1)*" }, 'https://example.com/it%27s%281%29%2A'],
    [{ url: 'https://example.com/a?b=c' }, 'https://example.com/a'],
    [{ url: 'https://[::1]:9443/x' }, 'https://[::1]:9443/x'],
    [{}, undefined],
    [{ url: 'https:///x' }, undefined],
  ])('of %j is %s', (clientConfig, url) => {
    expect(webhookUrl(clientConfig)).toBe(url);
  });
});

it.each([
  [1, '1s'],
  [30, '30s'],
  [60, '1m0s'],
  [3661, '1h1m1s'],
])('goSeconds(%i) is %s', (seconds, text) => {
  expect(goSeconds(seconds)).toBe(text);
});

describe('parseMediaType()', () => {
  it.each([
    ['application/json', 'application/json'],
    ['Text/HTML; charset=utf-8', 'text/html'],
    ['text/plain; a="b;c" ; d=e;', 'text/plain'],
    ['text', 'text'],
    ['text/plain;a=b;a=b', 'text/plain'],
  ])('of %s is %s', (header, type) => {
    expect(parseMediaType(header)).toEqual({ type });
  });

  it.each([
    [';', 'mime: no media type'],
    ['text plain', 'mime: expected slash after first token'],
    ['text/', 'mime: expected token after slash'],
    ['text/plain x', 'mime: unexpected content after media subtype'],
    ['text/plain; charset', 'mime: invalid media parameter'],
    ['text/plain; a=b; a=c', 'mime: duplicate parameter name'],
  ])('refuses %s', (header, problem) => {
    expect(parseMediaType(header)).toEqual({ problem });
  });
});
