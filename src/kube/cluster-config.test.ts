import 'reflect-metadata';
import { BasicConstraintsExtension, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import {
  ApiUnreachableError,
  ClusterConfigError,
  inClusterConfig,
  KubeClient,
  loadClusterConfig,
  loadKubeconfig,
} from './index.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-kubeconfig-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

function put(path: string, content: string | object): string {
  const full = join(directory, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, typeof content === 'string' ? content : stringify(content));
  return full;
}

/** A kubeconfig with one of each. */
function kubeconfig(cluster: object, user: object, context: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'dev',
    contexts: [{ name: 'dev', context: { cluster: 'c', user: 'u', ...context } }],
    clusters: [{ name: 'c', cluster: { server: 'https://c.example.com:6443', ...cluster } }],
    users: [{ name: 'u', user }],
  };
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('loadKubeconfig()', () => {
  it('reads what stands in the file', async () => {
    const path = put(
      'config',
      kubeconfig(
        { 'certificate-authority-data': base64('CA'), 'tls-server-name': 'kubernetes' },
        { token: 'secret', 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') },
        { namespace: 'shop' },
      ),
    );
    const config = await loadKubeconfig([path]);
    expect(config).toMatchObject({
      namespace: 'shop',
      tlsServerName: 'kubernetes',
      insecureSkipTlsVerify: false,
      impersonation: undefined,
    });
    expect(config.server.href).toBe('https://c.example.com:6443/');
    expect(await config.tls.get()).toEqual({ ca: 'CA', certificate: 'CERT', key: 'KEY' });
    expect(await config.token?.get()).toBe('secret');
  });

  it('reads files beside it', async () => {
    put('pki/ca.crt', 'CA\n');
    put('pki/user.crt', 'CERT');
    put('pki/user.key', 'KEY');
    put('token', '  secret\n');
    const path = put(
      'config',
      kubeconfig(
        { 'certificate-authority': 'pki/ca.crt' },
        { tokenFile: 'token', token: 'older', 'client-certificate': 'pki/user.crt', 'client-key': 'pki/user.key' },
      ),
    );
    const config = await loadKubeconfig([path]);
    expect(config.namespace).toBe('default');
    expect(await config.tls.get()).toEqual({ ca: 'CA', certificate: 'CERT', key: 'KEY' });
    expect(await config.token?.get()).toBe('secret');
  });

  it('reads a changed token anew when asked to, and keeps the last one when the file is gone', async () => {
    const token = put('token', 'first');
    const config = await loadKubeconfig([put('config', kubeconfig({}, { tokenFile: 'token' }))]);
    put('token', 'second');
    expect(await config.token?.get()).toBe('first');
    expect(await config.token?.refresh()).toBe('second');
    rmSync(token);
    expect(await config.token?.refresh()).toBe('second');
  });

  it('takes impersonation', async () => {
    const user = {
      token: 't',
      as: 'alice',
      'as-uid': '7',
      'as-groups': ['devs'],
      'as-user-extra': { scopes: ['a', 'b'] },
    };
    const config = await loadKubeconfig([put('config', kubeconfig({}, user))]);
    expect(config.impersonation).toEqual({ user: 'alice', uid: '7', groups: ['devs'], extra: { scopes: ['a', 'b'] } });
  });

  it('merges files as kubectl does: the first that names a thing wins', async () => {
    const first = put('first', {
      'current-context': 'two',
      contexts: [{ name: 'one', context: { cluster: 'c1', user: 'u' } }],
      users: [{ name: 'u', user: { token: 'from-first' } }],
    });
    const second = put('second', {
      'current-context': 'one',
      contexts: [
        { name: 'one', context: { cluster: 'c2', user: 'u' } },
        { name: 'two', context: { cluster: 'c2', user: 'u' } },
      ],
      clusters: [
        { name: 'c1', cluster: { server: 'https://one' } },
        { name: 'c2', cluster: { server: 'https://two' } },
      ],
      users: [{ name: 'u', user: { token: 'from-second' } }],
    });
    const missing = join(directory, 'missing');
    const config = await loadKubeconfig([missing, first, second]);
    expect(config.server.host).toBe('two');
    expect(await config.token?.get()).toBe('from-first');
    expect((await loadKubeconfig([first, second], { context: 'one' })).server.host).toBe('one');
  });

  it('takes a server without scheme for https, as client-go does', async () => {
    const path = put('config', kubeconfig({ server: 'c.example.com:6443' }, { token: 't' }));
    expect((await loadKubeconfig([path])).server.href).toBe('https://c.example.com:6443/');
  });

  it.each<[string, object | string, string]>([
    [
      'an exec plug-in',
      kubeconfig({}, { exec: { command: 'aws' } }),
      'users[0].user.exec cannot be used: credential plug-ins are not supported; use a token, a tokenFile or a client certificate',
    ],
    [
      'an auth provider',
      kubeconfig({}, { 'auth-provider': { name: 'oidc' } }),
      'users[0].user.auth-provider cannot be used',
    ],
    ['a password', kubeconfig({}, { username: 'admin', password: 'hunter2' }), 'users[0].user.username cannot be used'],
    [
      'a proxy',
      kubeconfig({ 'proxy-url': 'http://p:3128' }, {}),
      'clusters[0].cluster.proxy-url cannot be used: proxies are not supported',
    ],
    [
      'no checking, with an authority',
      kubeconfig({ 'insecure-skip-tls-verify': true, 'certificate-authority-data': base64('CA') }, {}),
      'clusters[0].cluster.insecure-skip-tls-verify cannot be combined with certificate-authority',
    ],
    [
      'an authority twice',
      kubeconfig({ 'certificate-authority': 'ca.crt', 'certificate-authority-data': base64('CA') }, {}),
      'certificate-authority and certificate-authority-data are both set',
    ],
    [
      'a certificate without key',
      kubeconfig({}, { 'client-certificate-data': base64('C') }),
      'client-key belong together',
    ],
    ['a file that is not there', kubeconfig({}, { tokenFile: 'nowhere' }), 'kubeconfig tokenFile: cannot read'],
    ['groups without user', kubeconfig({}, { 'as-groups': ['a'] }), 'users[0].user.as is missing'],
    ['no server', kubeconfig({ server: '' }, {}), 'clusters[0].cluster.server is missing'],
    [
      'an impossible server',
      kubeconfig({ server: 'https://a b' }, {}),
      'clusters[0].cluster.server is no URL: https://a b',
    ],
    ['a number for a token', kubeconfig({}, { token: 42 }), 'users[0].user.token is no text'],
    ['a text for a flag', kubeconfig({ 'insecure-skip-tls-verify': 'yes' }, {}), 'is neither true nor false'],
    ['no current context', { contexts: [] }, 'no current-context is set'],
    ['an unknown context', { 'current-context': 'x' }, 'no context named x in contexts'],
    ['an unknown user', { ...kubeconfig({}, {}), users: [] }, 'no user named u in users'],
    ['contexts of another shape', { 'current-context': 'x', contexts: {} }, 'contexts is no list'],
    ['a list', '- a', 'the content is no mapping'],
    ['no YAML', '{', 'not a kubeconfig'],
  ])('refuses %s and says where', async (_name, content, message) => {
    const path = put('config', content);
    const loading = loadKubeconfig([path]);
    await expect(loading).rejects.toThrow(ClusterConfigError);
    await expect(loading).rejects.toThrow(message);
    await expect(loading).rejects.not.toThrow('hunter2');
  });

  it('refuses paths of which none exists', async () => {
    await expect(loadKubeconfig([join(directory, 'a'), join(directory, 'b')])).rejects.toThrow(
      /no kubeconfig at .*a, .*b/,
    );
  });
});

describe('inClusterConfig()', () => {
  const environment = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };

  it('is the service account of the Pod', async () => {
    put('ca.crt', 'CA');
    put('token', 'first');
    put('namespace', 'shop');
    const config = await inClusterConfig(environment, directory);
    expect(config.server.href).toBe('https://10.0.0.1/');
    expect(config.namespace).toBe('shop');
    expect(await config.tls.get()).toEqual({ ca: 'CA', certificate: undefined, key: undefined });
    put('token', 'second');
    expect(await config.token?.refresh()).toBe('second');
    const ipv6 = await inClusterConfig({ ...environment, KUBERNETES_SERVICE_HOST: 'fd00::1' }, directory);
    expect(ipv6.server.href).toBe('https://[fd00::1]/');
  });

  it('refuses a Pod without token, and what is no Pod', async () => {
    put('ca.crt', 'CA');
    await expect(inClusterConfig(environment, directory)).rejects.toThrow(/service account: cannot read .*token/);
    await expect(inClusterConfig({}, directory)).rejects.toThrow(ClusterConfigError);
  });
});

describe('loadClusterConfig()', () => {
  const named = (name: string) => kubeconfig({ server: `https://${name}` }, { token: 't' });

  it('takes the file that was named, then KUBECONFIG, then the home', async () => {
    const home = join(directory, 'home');
    vi.stubEnv('HOME', home);
    put('home/.kube/config', named('home'));
    const path = put('named', named('named'));
    const KUBECONFIG = `${put('listed', named('listed'))}:${put('second', named('second'))}`;
    expect((await loadClusterConfig({ environment: { KUBECONFIG }, kubeconfig: path })).server.host).toBe('named');
    expect((await loadClusterConfig({ environment: { KUBECONFIG } })).server.host).toBe('listed');
    expect((await loadClusterConfig({ environment: {} })).server.host).toBe('home');
    rmSync(home, { recursive: true });
    await expect(loadClusterConfig({ environment: {} })).rejects.toThrow(/no cluster is known: KUBECONFIG is not set/);
  });
});

describe('KubeClient over TLS', () => {
  interface Issued {
    readonly certificate: string;
    readonly key: string;
  }
  let ca: Issued;
  let serving: Issued;
  let alice: Issued;
  let server: Server;

  beforeAll(async () => {
    const authority = await newAuthority();
    ca = authority.issued;
    serving = await authority.issue('CN=kube-apiserver', [{ type: 'dns', value: 'kubernetes' }]);
    alice = await authority.issue('CN=alice', []);
    server = createServer(
      { key: serving.key, cert: serving.certificate, ca: ca.certificate, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        const socket = request.socket as TLSSocket;
        const user = socket.authorized ? socket.getPeerCertificate().subject.CN : 'anonymous';
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ user }));
      },
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => server.close());

  async function askWhoIAm(cluster: object, user: object): Promise<unknown> {
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = new KubeClient(await loadKubeconfig([put('config', kubeconfig({ server: url, ...cluster }, user))]));
    try {
      return await client.get({ group: '', version: 'v1', resource: 'users', name: 'me' });
    } finally {
      client.close();
    }
  }

  it('checks the server by the authority and the name that the kubeconfig says', async () => {
    const authority = { 'certificate-authority-data': base64(ca.certificate) };
    expect(await askWhoIAm({ ...authority, 'tls-server-name': 'kubernetes' }, {})).toEqual({ user: 'anonymous' });
    const wrongName = askWhoIAm(authority, {});
    await expect(wrongName).rejects.toThrow(ApiUnreachableError);
    await expect(wrongName).rejects.toThrow(/IP: 127\.0\.0\.1 is not in the cert's list/);
    await expect(askWhoIAm({ 'tls-server-name': 'kubernetes' }, {})).rejects.toThrow(ApiUnreachableError);
    expect(await askWhoIAm({ 'insecure-skip-tls-verify': true }, {})).toEqual({ user: 'anonymous' });
  });

  it('shows the client certificate', async () => {
    const cluster = { 'certificate-authority-data': base64(ca.certificate), 'tls-server-name': 'kubernetes' };
    const user = { 'client-certificate-data': base64(alice.certificate), 'client-key-data': base64(alice.key) };
    expect(await askWhoIAm(cluster, user)).toEqual({ user: 'alice' });
  });

  it('uses TLS files that were rewritten for the connections it makes from then on', async () => {
    const other = await newAuthority();
    let authority = other.issued.certificate;
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const file = put('config', kubeconfig({ server: url, 'tls-server-name': 'kubernetes' }, {}));
    const read = async () => ({ ca: authority, certificate: alice.certificate, key: alice.key });
    const client = new KubeClient({ ...(await loadKubeconfig([file])), tls: { get: read, refresh: read } });
    const ask = () => client.get({ group: '', version: 'v1', resource: 'users', name: 'me' });
    await expect(ask()).rejects.toThrow(ApiUnreachableError);
    authority = ca.certificate;
    expect(await ask()).toEqual({ user: 'alice' });
    authority = other.issued.certificate;
    await expect(ask()).rejects.toThrow(ApiUnreachableError);
    client.close();
  });

  interface Authority {
    readonly issued: Issued;
    issue(name: string, alternativeNames: readonly { type: 'dns'; value: string }[]): Promise<Issued>;
  }

  async function newAuthority(): Promise<Authority> {
    const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const times = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000) };
    const newKeys = () => webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify']);
    const pem = async (key: webcrypto.CryptoKey) => {
      const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64');
      return `-----BEGIN PRIVATE KEY-----\n${der.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`;
    };
    const keys = await newKeys();
    const root = await X509CertificateGenerator.createSelfSigned({
      name: 'CN=authority',
      keys,
      signingAlgorithm,
      ...times,
      extensions: [new BasicConstraintsExtension(true, undefined, true)],
    });
    return {
      issued: { certificate: root.toString('pem'), key: await pem(keys.privateKey) },
      issue: async (subject, alternativeNames) => {
        const own = await newKeys();
        const certificate = await X509CertificateGenerator.create({
          subject,
          issuer: root.subject,
          publicKey: own.publicKey,
          signingKey: keys.privateKey,
          signingAlgorithm,
          ...times,
          extensions: alternativeNames.length === 0 ? [] : [new SubjectAlternativeNameExtension([...alternativeNames])],
        });
        return { certificate: certificate.toString('pem'), key: await pem(own.privateKey) };
      },
    };
  }
});
