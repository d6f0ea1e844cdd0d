import type { KubernetesObject } from '../../../src/api/object-meta.ts';
import { volumeSources } from '../../../src/chain/plugins/pod-security/volume-sources.ts';

/** Pods that set what Pod Security looks at to good and bad values; always the same ones. */
export function generatePods(count: number): readonly KubernetesObject[] {
  const random = new Random(20261123);
  return Array.from({ length: count }, (_, index) => podOf(random, `pod-${index}`));
}

function podOf(random: Random, name: string): KubernetesObject {
  const containerNames = ['web', 'proxy', 'log'].slice(0, 1 + random.below(3));
  const initNames = ['setup', 'migrate'].slice(0, random.below(3));
  const debugNames = random.chance(0.1) ? ['debug'] : [];
  const annotations = Object.fromEntries([
    ...(random.chance(0.1) ? [['seccomp.security.alpha.kubernetes.io/pod', random.of(annotationValues)]] : []),
    ...[...containerNames, ...initNames].flatMap((container) => [
      ...(random.chance(0.05)
        ? [[`container.seccomp.security.alpha.kubernetes.io/${container}`, random.of(annotationValues)]]
        : []),
      ...(random.chance(0.05)
        ? [[`container.apparmor.security.beta.kubernetes.io/${container}`, random.of(annotationValues)]]
        : []),
    ]),
  ]) as { [key: string]: string };
  const spec = {
    containers: containerNames.map((each) => containerOf(random, each)),
    initContainers: initNames.map((each) => containerOf(random, each)),
    ephemeralContainers: debugNames.map((each) => containerOf(random, each)),
    ...random.maybe(0.4, () => ({
      volumes: ['data', 'cache', 'etc'].slice(0, 1 + random.below(3)).map((volume) => volumeOf(random, volume)),
    })),
    ...random.maybe(0.1, () => ({ hostNetwork: random.chance(0.7) })),
    ...random.maybe(0.1, () => ({ hostPID: random.chance(0.7) })),
    ...random.maybe(0.1, () => ({ hostIPC: random.chance(0.7) })),
    ...random.maybe(0.2, () => ({ hostUsers: random.chance(0.5) })),
    ...random.maybe(0.2, () => ({ os: { name: random.of(['windows', 'linux']) } })),
    ...random.maybe(0.6, () => ({
      securityContext: {
        ...contextOf(random),
        ...random.maybe(0.3, () => ({
          sysctls: random.some(sysctls).map((sysctl) => ({ name: sysctl, value: '1' })),
        })),
      },
    })),
  };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, annotations }, ...{ spec } };
}

function containerOf(random: Random, name: string): object {
  return {
    name,
    image: 'registry.example/app:1',
    ...random.maybe(0.3, () => ({
      ports: [8080, 443, 9].slice(0, 1 + random.below(3)).map((containerPort) => ({
        containerPort,
        ...random.maybe(0.3, () => ({ hostPort: random.of([0, 80, 443, 9, 10]) })),
      })),
    })),
    ...random.maybe(0.1, () => ({ livenessProbe: handlerOf(random) })),
    ...random.maybe(0.1, () => ({ readinessProbe: handlerOf(random) })),
    ...random.maybe(0.1, () => ({ startupProbe: handlerOf(random) })),
    ...random.maybe(0.1, () => ({ lifecycle: { postStart: handlerOf(random), preStop: handlerOf(random) } })),
    ...random.maybe(0.8, () => ({
      securityContext: {
        ...contextOf(random),
        ...random.maybe(0.7, () => ({ allowPrivilegeEscalation: random.chance(0.2) })),
        ...random.maybe(0.1, () => ({ privileged: random.chance(0.7) })),
        ...random.maybe(0.2, () => ({ procMount: random.of(['Default', 'Unmasked', 'Other']) })),
        ...random.maybe(0.7, () => ({
          capabilities: {
            ...random.maybe(0.3, () => ({ add: random.some(capabilities) })),
            ...random.maybe(0.8, () => ({ drop: random.of([['ALL'], ['NET_RAW', 'ALL'], ['all'], []]) })),
          },
        })),
      },
    })),
  };
}

/** What Pods and containers both have. */
function contextOf(random: Random): object {
  return {
    ...random.maybe(0.6, () => ({ runAsNonRoot: random.chance(0.85) })),
    ...random.maybe(0.2, () => ({ runAsUser: random.of([0, 1, 1000]) })),
    ...random.maybe(0.6, () => ({
      seccompProfile: { type: random.of(['RuntimeDefault', 'RuntimeDefault', 'Localhost', 'Unconfined', '']) },
    })),
    ...random.maybe(0.2, () => ({
      appArmorProfile: { type: random.of(['RuntimeDefault', 'Localhost', 'Unconfined', 'Other']) },
    })),
    ...random.maybe(0.2, () => ({
      seLinuxOptions: {
        ...random.maybe(0.7, () => ({
          type: random.of(['', 'container_t', 'container_kvm_t', 'container_engine_t', 'spc_t', 'a_t']),
        })),
        ...random.maybe(0.2, () => ({ user: 'system_u' })),
        ...random.maybe(0.2, () => ({ role: 'system_r' })),
      },
    })),
    ...random.maybe(0.1, () => ({ windowsOptions: random.of([{}, { hostProcess: true }, { hostProcess: false }]) })),
  };
}

function handlerOf(random: Random): object {
  const host = random.of(['', '127.0.0.1', 'localhost', 'b.example']);
  return random.of([
    { httpGet: { host, port: 80 } },
    { tcpSocket: { host, port: 80 } },
    { exec: { command: ['true'] } },
  ]);
}

function volumeOf(random: Random, name: string): object {
  // A third of them gets a source that every level allows.
  const source = random.chance(0.3) ? 'emptyDir' : random.of(volumeSources);
  return { name, [source]: {}, ...random.maybe(0.05, () => ({ [random.of(volumeSources)]: {} })) };
}

const annotationValues = ['runtime/default', 'docker/default', 'localhost/x', 'unconfined', 'other', ''];
const capabilities = ['NET_BIND_SERVICE', 'CHOWN', 'NET_RAW', 'SYS_ADMIN', 'chown', 'KILL', 'CAP_CHOWN'];
const sysctls = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_notsent_lowat',
  'kernel.msgmax',
  'net.core.somaxconn',
];

/** Mulberry32: good enough to mix cases. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 up to, not including, `bound`. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  }

  chance(probability: number): boolean {
    return this.below(1000) < probability * 1000;
  }

  of<Element>(choices: readonly Element[]): Element {
    // The index is below the length; no list here is empty.
    return choices[this.below(choices.length)] as Element;
  }

  some<Element>(choices: readonly Element[]): Element[] {
    return choices.filter(() => this.chance(0.3));
  }

  maybe<Fields extends object>(probability: number, make: () => Fields): Partial<Fields> {
    return this.chance(probability) ? make() : {};
  }
}
