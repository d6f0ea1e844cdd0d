import { describe, expect, it } from 'vitest';
import { InvalidConfigurationError } from './errors.ts';
import { parseGateConfiguration } from './gate-configuration.ts';

const head = 'apiVersion: config.sallyport.dev/v1alpha1\nkind: GateConfiguration\n';
const minimal = `${head}webhooks:\n  paths: [webhooks]\n`;
const parse = (text: string) => parseGateConfiguration(text, '/etc/gate/gate.yaml');

describe('parseGateConfiguration()', () => {
  it('fills in every default, and makes paths absolute', () => {
    expect(parse(minimal)).toEqual({
      apiVersion: 'config.sallyport.dev/v1alpha1',
      kind: 'GateConfiguration',
      webhooks: { paths: ['/etc/gate/webhooks'], disable: [] },
      server: { host: '0.0.0.0', port: 8443, healthPort: 8080 },
      certificates: { mode: 'SelfManaged', secretName: 'sallyport-ca' },
      registration: { name: 'sallyport', excludedNamespaces: [], includeSystemNamespaces: false, force: false },
      log: { level: 'info', requests: 'Sampled' },
    });
  });

  it('reads the service form and certificates from files', () => {
    const configuration = parse(
      `${minimal}registration: { service: { namespace: gate, name: sallyport } }\ncertificates: { mode: Files, directory: tls }\n`,
    );
    expect(configuration.registration.service).toEqual({ namespace: 'gate', name: 'sallyport', port: 443 });
    expect(configuration.certificates).toEqual({ mode: 'Files', directory: '/etc/gate/tls' });
  });

  it('names what cert-manager keeps', () => {
    expect(parse(`${minimal}certificates: { mode: CertManager }\n`).certificates).toEqual({
      mode: 'CertManager',
      certificateName: 'sallyport',
      secretName: 'sallyport-tls',
    });
  });

  it('reads whose certificates are asked for', () => {
    expect(parse(`${minimal}clientCertificates: { caFile: client-ca.crt }\n`).clientCertificates).toEqual({
      caFile: '/etc/gate/client-ca.crt',
    });
  });

  it.each([
    ['{ to: Stdout }', { to: 'Stdout' }],
    [
      '{ to: File, path: logs/decisions.jsonl }',
      { to: 'File', path: '/etc/gate/logs/decisions.jsonl', maxFileMegabytes: 100, maxFiles: 5 },
    ],
    ['{ to: Module, path: /opt/sink.ts }', { to: 'Module', path: '/opt/sink.ts' }],
  ])('reads decisionLog: %s', (text, expected) => {
    expect(parse(`${minimal}decisionLog: ${text}\n`).decisionLog).toEqual(expected);
  });

  it.each([
    [
      'an unknown key',
      `${minimal}sever:\n  port: 1\n`,
      '/etc/gate/gate.yaml:5: sever: unknown key; did you mean "server"?',
    ],
    [
      'an unknown key deeper down',
      `${minimal}server:\n  hots: x\n`,
      '/etc/gate/gate.yaml:6: server.hots: unknown key; did you mean "host"?',
    ],
    [
      'an unknown key in a union',
      `${minimal}certificates:\n  mode: Files\n  directroy: x\n`,
      '/etc/gate/gate.yaml:7: certificates.directroy: unknown key; did you mean "directory"?',
    ],
    ['an unknown key like no other', `${minimal}zzz: 1\n`, 'known are apiVersion, kind'],
    [
      'a decision log without its file',
      `${minimal}decisionLog:\n  to: File\n`,
      '/etc/gate/gate.yaml:5: decisionLog.path:',
    ],
    [
      'a decision log that goes nowhere known',
      `${minimal}decisionLog: { to: Syslog }\n`,
      '/etc/gate/gate.yaml:5: decisionLog.to:',
    ],
    [
      'client certificates of nobody',
      `${minimal}clientCertificates:\n  allowedNames: [kube-apiserver]\n`,
      '/etc/gate/gate.yaml:5: clientCertificates.caFile:',
    ],
    [
      'client certificates of no name, which is not everybody',
      `${minimal}clientCertificates:\n  caFile: ca.crt\n  allowedNames: []\n`,
      '/etc/gate/gate.yaml:7: clientCertificates.allowedNames:',
    ],
    ['a port out of range', `${minimal}server:\n  port: 99999\n`, '/etc/gate/gate.yaml:6: server.port:'],
    ['a value of another type', `${minimal}log: { level: loud }\n`, '/etc/gate/gate.yaml:5: log.level:'],
    [
      'both address forms',
      `${minimal}registration:\n  url: https://a\n  service: { namespace: a, name: b }\n`,
      'exactly one',
    ],
    ['plain HTTP', `${minimal}registration:\n  url: http://a\n`, 'registration.url'],
    ['no webhooks', head, 'webhooks'],
    ['another kind', minimal.replace('GateConfiguration', 'Gate'), '/etc/gate/gate.yaml:2: kind:'],
    ['a key twice', `${minimal}log: {}\nlog: {}\n`, '/etc/gate/gate.yaml:6'],
    ['broken YAML', `${minimal}log: [`, '/etc/gate/gate.yaml:'],
    ['an alias of nothing', `${minimal}log: *nothing\n`, '/etc/gate/gate.yaml: Unresolved alias'],
    [
      'aliases that multiply',
      `a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b]\nd: [*c, *c, *c, *c]\n`,
      '/etc/gate/gate.yaml: Excessive alias count',
    ],
    ['a text', 'hello', 'gate.yaml'],
    ['nothing', '', 'gate.yaml'],
  ])('refuses %s, naming file and line', (_name, text, message) => {
    expect(() => parse(text)).toThrow(InvalidConfigurationError);
    expect(() => parse(text)).toThrow(message);
  });
});
