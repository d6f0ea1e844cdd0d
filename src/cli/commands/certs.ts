import { reportCertificates, type CertificateReport } from '../../app/certificate-report.ts';
import { readGateConfiguration, type GateConfiguration } from '../../app/gate-configuration.ts';
import { kubeSecretStore, rotateAuthority } from '../../certs/index.ts';
import { KubeClient, loadClusterConfig } from '../../kube/index.ts';
import { systemClock } from '../../telemetry/index.ts';
import { exitCode, type ExitCode } from '../exit-code.ts';
import type { CertsOptions } from '../program.ts';
import { UsageError } from '../usage-error.ts';

/** Refused when there is no certificate yet, or when the API server would not accept what the gate serves. */
export async function certsStatus({ config, output }: CertsOptions): Promise<ExitCode> {
  const configuration = await readGateConfiguration(config);
  return withCluster(configuration, async (client, namespace) => {
    const report = await reportCertificates({ configuration, client, namespace, clock: systemClock });
    process.stdout.write(output === 'json' ? `${JSON.stringify(report, undefined, 2)}\n` : table(report));
    const isGood = report.certificates.length > 0 && report.configurations.every(({ accepts }) => accepts);
    return isGood ? exitCode.done : exitCode.refused;
  });
}

const rotationTexts = {
  started:
    'a new certificate authority waits beside the old one; the replicas publish it and move to it within a few minutes\n',
  'already-rotating': 'a new certificate authority is already waiting to be published; nothing was changed\n',
  'no-authority': 'there is no certificate authority yet: the first replica makes it when it starts\n',
} as const;

/** Refused when there is nothing to rotate, or a rotation has begun already. */
export async function certsRotate({ config, output }: CertsOptions): Promise<ExitCode> {
  const configuration = await readGateConfiguration(config);
  const { certificates } = configuration;
  if (certificates.mode !== 'SelfManaged') {
    const instead =
      certificates.mode === 'CertManager'
        ? `cert-manager does: cmctl renew ${certificates.certificateName}`
        : `put new files into ${certificates.directory}`;
    throw new UsageError(`certificates of mode ${certificates.mode} are not rotated by sallyport; ${instead}`);
  }
  return withCluster(configuration, async (client, namespace) => {
    const store = kubeSecretStore({ client, namespace, name: certificates.secretName, clock: systemClock });
    const result = await rotateAuthority({ store, clock: systemClock });
    const secret = `${namespace}/${certificates.secretName}`;
    process.stdout.write(
      output === 'json'
        ? `${JSON.stringify({ secret, result }, undefined, 2)}\n`
        : `Secret ${secret}: ${rotationTexts[result]}`,
    );
    return result === 'started' ? exitCode.done : exitCode.refused;
  });
}

async function withCluster(
  { registration }: GateConfiguration,
  command: (client: KubeClient, namespace: string) => Promise<ExitCode>,
): Promise<ExitCode> {
  const cluster = await loadClusterConfig({ environment: process.env });
  const client = new KubeClient(cluster);
  try {
    return await command(client, registration.service?.namespace ?? cluster.namespace);
  } finally {
    client.close();
  }
}

function table({ mode, origin, phase, certificates, configurations }: CertificateReport): string {
  const lines = [`${mode}, ${origin}${phase === undefined ? '' : `, ${phase}`}`];
  if (certificates.length === 0) return `${[...lines, 'there is no certificate yet'].join('\n')}\n`;
  const time = (moment: Date | undefined): string => moment?.toISOString().replace('.000Z', 'Z') ?? '';
  lines.push(
    '',
    ...columns([
      ['ROLE', 'VALID UNTIL', 'REPLACED FROM', 'FINGERPRINT'],
      ...certificates.map(({ role, notAfter, renewAt, fingerprint }) => [
        role,
        time(notAfter),
        time(renewAt),
        fingerprint,
      ]),
    ]),
  );
  if (configurations.length === 0) lines.push('', 'nothing is registered');
  else {
    lines.push(
      '',
      ...columns([
        ['WEBHOOK', 'ACCEPTS IT'],
        ...configurations.map(({ webhook, accepts, reason }) => [webhook, accepts ? 'yes' : `no: ${reason ?? ''}`]),
      ]),
    );
  }
  return `${lines.join('\n')}\n`;
}

function columns(rows: ReadonlyArray<readonly string[]>): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
