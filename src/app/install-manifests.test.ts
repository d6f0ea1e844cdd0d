import { describe, expect, it } from 'vitest';
import { WebhookRegistry } from '../admission/index.ts';
import { parseGateConfiguration } from './gate-configuration.ts';
import { installManifests } from './install-manifests.ts';

interface Deployment {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly {
          readonly env: readonly object[];
          readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
        }[];
        readonly volumes: readonly { readonly name: string }[];
      };
    };
  };
}

function print(more: string): Deployment[] {
  const configurationText = `apiVersion: config.sallyport.dev/v1alpha1
kind: GateConfiguration
webhooks: { paths: [webhooks] }
registration: { service: { namespace: gates, name: gate } }
${more}`;
  const configuration = parseGateConfiguration(configurationText, '/home/me/gate.yaml');
  const registry = new WebhookRegistry();
  const image = 'registry.example.com/gate:1';
  const objects = installManifests({ configuration, configurationText, registry, image, serviceMonitor: false });
  // Read as what the API server will read.
  return JSON.parse(JSON.stringify(objects.filter(({ kind }) => kind === 'Deployment'))) as Deployment[];
}

describe('the authorities of client certificates', () => {
  it('are mounted where the configuration has them, for those who serve', () => {
    const [serving, registering] = print('clientCertificates: { caFile: /etc/sallyport-client-ca/ca.crt }\n');
    const { containers, volumes } = serving?.spec.template.spec ?? {};
    expect(volumes).toContainEqual({ name: 'client-ca', configMap: { name: 'gate-client-ca' } });
    expect(containers?.[0]?.volumeMounts).toContainEqual({
      name: 'client-ca',
      mountPath: '/etc/sallyport-client-ca',
      readOnly: true,
    });
    expect(registering?.spec.template.spec.volumes.map(({ name }) => name)).toEqual(['configuration']);
  });

  it.each(['ca.crt', '/ca.crt'])('cannot be at %s, whose folder has other files', (caFile) => {
    expect(() => print(`clientCertificates: { caFile: ${caFile} }\n`)).toThrow(
      /^clientCertificates\.caFile: in a cluster its folder is a volume/,
    );
  });

  it('are not mounted when nobody is asked for a certificate', () => {
    expect(JSON.stringify(print(''))).not.toContain('client-ca');
  });
});

it('replicas that serve and the one that registers have the environment that their limits of memory count on', () => {
  const environments = print('').map(({ spec }) => spec.template.spec.containers[0]?.env);
  const environment = [
    { name: 'NODE_OPTIONS', value: '--max-semi-space-size=8' },
    { name: 'MALLOC_ARENA_MAX', value: '1' },
  ];
  expect(environments).toEqual([environment, environment]);
});

describe('folders that are volumes', () => {
  const decisions = (path: string): string => `decisionLog: { to: File, path: ${path} }\n`;
  const authority = 'clientCertificates: { caFile: /var/gate/ca.crt }\n';
  const hub = (path: string): string =>
    `quota: { cluster: eu-1, store: { mode: Hub, url: "https://hub", credentials: /var/gate, path: ${path} } }\n`;

  it.each([
    [
      'one for two',
      `${authority}${decisions('/var/gate/log.jsonl')}`,
      'clientCertificates.caFile: ',
      '/var/gate of decisionLog',
    ],
    [
      'one that is in a read-only one',
      `${authority}${decisions('/var/gate/log/a.jsonl')}`,
      'decisionLog.path: ',
      '/var/gate of ',
    ],
    [
      'credentials of a hub that are on the disk of the ledger',
      hub('/var/gate/quota.db'),
      'quota.store.credentials: ',
      '/var/gate',
    ],
    [
      'a ledger beside the configuration',
      'quota: { cluster: eu-1, store: { mode: SQLite, path: quota.db } }\n',
      'quota.store.path: ',
      '/etc/sallyport',
    ],
  ])('are refused: %s', (_what, more, setting, place) => {
    expect(() => print(more)).toThrow(
      expect.objectContaining({
        name: 'InvalidConfigurationError',
        message: expect.stringMatching(
          new RegExp(`^${setting}in a cluster its folder is a volume, and .*${place}`),
        ) as string,
      }),
    );
  });

  it.each([
    ['one beside the other', `${authority}${decisions('/var/gate-log/a.jsonl')}`],
    ['one in another that may be written', `${decisions('/var/lib/gate/log/a.jsonl')}${hub('/var/lib/gate/quota.db')}`],
  ])('are mounted: %s', (_what, more) => {
    const mounts = print(more)[0]?.spec.template.spec.containers[0]?.volumeMounts ?? [];
    expect(mounts).toHaveLength(new Set(mounts.map(({ mountPath }) => mountPath)).size);
    expect(mounts.length).toBeGreaterThan(2);
  });

  it('are where the configuration has them in the cluster, from the one beside which they lie', () => {
    const [serving] = print('quota: { cluster: eu-1, store: { mode: SQLite, path: ledger/quota.db } }\n');
    const mounts = serving?.spec.template.spec.containers[0]?.volumeMounts;
    expect(mounts).toContainEqual({ name: 'quota', mountPath: '/etc/sallyport/ledger' });
  });
});
