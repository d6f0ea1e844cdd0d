import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Health } from '../certs/index.ts';
import { silentLogger } from '../telemetry/index.ts';
import { metricsRoute, OperationsServer } from './index.ts';

let health: Health;
let server: OperationsServer;
let base: string;
beforeEach(async () => {
  health = { kind: 'healthy' };
  server = new OperationsServer({
    host: '127.0.0.1',
    port: 0,
    routes: [metricsRoute(() => Promise.resolve({ contentType: 'text/plain', text: 'a 1\n' }))],
    readiness: [{ name: 'registration', healthy: () => health }],
    logger: silentLogger,
  });
  base = `http://127.0.0.1:${(await server.start()).port}`;
});
afterEach(() => server.stop());

const ask = async (path: string, method = 'GET'): Promise<[number, string]> => {
  const response = await fetch(base + path, { method });
  return [response.status, await response.text()];
};

describe('OperationsServer', () => {
  it('answers probes and mounted routes, and nothing else', async () => {
    expect(await ask('/livez')).toEqual([200, 'ok']);
    expect(await ask('/readyz')).toEqual([200, 'ok']);
    expect(await ask('/readyz?verbose')).toEqual([200, '[+]registration ok\nreadyz check passed\n']);
    expect(await ask('/metrics')).toEqual([200, 'a 1\n']);
    expect((await ask('/metrics', 'POST'))[0]).toBe(405);
    expect((await ask('/validate/a'))[0]).toBe(404);
    expect((await ask('/livez', 'POST'))[0]).toBe(405);
  });

  it.each([
    ['unhealthy', 503],
    ['degraded', 200],
  ] as const)('is ready or not by its checks, alive all the same: %s', async (kind, code) => {
    health = { kind, reason: 'no rights' };
    expect((await ask('/readyz'))[0]).toBe(code);
    expect((await ask('/readyz'))[1]).not.toContain('no rights');
    expect((await ask('/livez'))[0]).toBe(200);
  });
});
