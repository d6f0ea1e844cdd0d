import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issueAuthority, issueServingCertificate } from '../../certs/index.ts';
import { HttpsWebhookClient, WebhookCallError, type WebhookRequest } from '../index.ts';

/** What the API server does with urls is in test/golden/chain; here are Services, which need a resolver. */

let server: Server;
let port: number;
let caBundle: string;
const seen: { host: string | undefined; servername: unknown }[] = [];

beforeAll(async () => {
  const lifetime = { issuedAt: Date.now(), lifetimeMilliseconds: 3_600_000 };
  const authority = await issueAuthority(lifetime);
  const serving = await issueServingCertificate({ ...lifetime, authority, hosts: ['hooks.ops.svc'] });
  caBundle = Buffer.from(authority.certificatePem).toString('base64');
  server = createServer({ key: serving.privateKeyPem, cert: serving.certificatePem }, (request, response) => {
    seen.push({ host: request.headers.host, servername: Reflect.get(request.socket, 'servername') });
    response.end('fine');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function request(name: string): WebhookRequest {
  return {
    configuration: 'c',
    webhook: 'w',
    clientConfig: { service: { name, namespace: 'ops', port: 8443, path: '/x' }, caBundle },
    url: `https://${name}.ops.svc:8443/x?timeout=5s`,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from('{}'),
    timeoutSeconds: 5,
  };
}

describe('HttpsWebhookClient.call() of a Service', () => {
  it('dials where the resolver says, under the name of the Service', async () => {
    const client = new HttpsWebhookClient({ resolveService: () => ({ host: '127.0.0.1', port }) });
    const { status, body } = await client.call(request('hooks'), AbortSignal.timeout(5000));
    await client.close();
    expect([status, Buffer.from(body).toString(), seen]).toEqual([
      200,
      'fine',
      [{ host: 'hooks.ops.svc:8443', servername: 'hooks.ops.svc' }],
    ]);
  });

  it('trusts no certificate for another Service', async () => {
    const client = new HttpsWebhookClient({ resolveService: () => ({ host: '127.0.0.1', port }) });
    const call = client.call(request('others'), AbortSignal.timeout(5000));
    await expect(call).rejects.toThrow(
      new WebhookCallError(
        'Post "https://others.ops.svc:8443/x?timeout=5s": tls: failed to verify certificate: x509: certificate is valid for hooks.ops.svc, not others.ops.svc',
      ),
    );
    await client.close();
  });

  it('says when the resolver knows no such Service', async () => {
    const client = new HttpsWebhookClient({ resolveService: () => undefined });
    const call = client.call(request('gone'), AbortSignal.timeout(5000));
    await expect(call).rejects.toThrow('Post "https://gone.ops.svc:8443/x?timeout=5s": service "gone" not found');
    await client.close();
  });
});
