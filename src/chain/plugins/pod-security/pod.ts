import type { KubernetesObject } from '../../../api/object-meta.ts';
import type { JsonValue } from '../../../json/json-value.ts';
import {
  decode,
  flag,
  integer,
  isPresent,
  list,
  optional,
  struct,
  text,
  textMap,
  type Decoded,
  type Shape,
  type Shaped,
} from './shape.ts';
import { volumeSources, type VolumeSource } from './volume-sources.ts';

/*
 * The fields of Pods that Pod Security looks at, named as in k8s.io/api v0.37.2 core/v1/types.go.
 */

const handler = struct({ httpGet: optional(struct({ host: text })), tcpSocket: optional(struct({ host: text })) });

const profile = struct({ type: text });

const seLinuxOptions = struct({ user: text, role: text, type: text });

const windowsOptions = struct({ hostProcess: flag });

const containerSecurityContext = struct({
  allowPrivilegeEscalation: optional(flag),
  appArmorProfile: optional(profile),
  capabilities: optional(struct({ add: list(text), drop: list(text) })),
  privileged: flag,
  procMount: optional(text),
  runAsNonRoot: optional(flag),
  runAsUser: optional(integer),
  seLinuxOptions: optional(seLinuxOptions),
  seccompProfile: optional(profile),
  windowsOptions: optional(windowsOptions),
});

const noSecurityContext = containerSecurityContext(undefined, '', []);

const container = struct({
  name: text,
  image: text,
  ports: list(struct({ containerPort: integer, hostPort: integer })),
  livenessProbe: optional(handler),
  readinessProbe: optional(handler),
  startupProbe: optional(handler),
  lifecycle: optional(struct({ postStart: optional(handler), preStop: optional(handler) })),
  securityContext: optional(containerSecurityContext),
});

const volumeFields = struct({ name: text, ...presenceOf(volumeSources) });

/**
 * One without a source is an empty directory, as when the API server reads it.
 *
 * Source: k8s.io/kubernetes v1.37.2 pkg/apis/core/v1/defaults.go, SetDefaults_Volume.
 */
const volume: typeof volumeFields = (value, path, problems) => {
  const fields = volumeFields(value, path, problems);
  return volumeSources.some((source) => fields[source]) ? fields : { ...fields, emptyDir: true };
};

const podSpec = struct({
  containers: list(container),
  initContainers: list(container),
  ephemeralContainers: list(container),
  volumes: list(volume),
  hostIPC: flag,
  hostNetwork: flag,
  hostPID: flag,
  hostUsers: optional(flag),
  os: optional(struct({ name: text })),
  runtimeClassName: text,
  securityContext: optional(
    struct({
      appArmorProfile: optional(profile),
      runAsNonRoot: optional(flag),
      runAsUser: optional(integer),
      seLinuxOptions: optional(seLinuxOptions),
      seccompProfile: optional(profile),
      sysctls: list(struct({ name: text })),
      windowsOptions: optional(windowsOptions),
    }),
  ),
});

const podMetadata = struct({
  name: text,
  annotations: textMap,
  ownerReferences: list(struct({ uid: text, controller: flag })),
});

/** Reads a pod template, which has the same parts as a Pod. */
export const podTemplateShape = struct({ metadata: podMetadata, spec: podSpec });

/** A Pod, or what a controller would make Pods from. */
export type Pod = Shaped<typeof podTemplateShape>;
export type PodSpec = Shaped<typeof podSpec>;
export type Container = Shaped<typeof container>;
/** A probe, or what to do when a container starts or stops. */
export type Handler = Shaped<typeof handler>;
export type SELinuxOptions = Shaped<typeof seLinuxOptions>;

/**
 * Reads a Pod as the API server does before it asks its plug-ins: ports of a Pod in its node's network are host ports, and
 * what an annotation says of a container's AppArmor profile stands in its field. Of a pod template neither is true.
 *
 * Source: k8s.io/kubernetes v1.37.2 pkg/apis/core/v1/defaults.go, SetDefaults_Pod and SetDefaults_PodSpec;
 * pkg/registry/core/pod/strategy.go, applyAppArmorVersionSkew.
 */
export function decodePod(object: JsonValue | KubernetesObject): Decoded<Pod> {
  const decoded = decode(podTemplateShape, object);
  if ('problem' in decoded) return decoded;
  const { metadata, spec } = decoded.value;
  const read = (container: Container): Container => withAppArmorField(container, decoded.value);
  const readWithPorts = (container: Container): Container =>
    read(spec.hostNetwork ? withHostPorts(container) : container);
  return {
    value: {
      metadata,
      spec: {
        ...spec,
        initContainers: spec.initContainers.map(readWithPorts),
        containers: spec.containers.map(readWithPorts),
        ephemeralContainers: spec.ephemeralContainers.map(read),
      },
    },
  };
}

function withHostPorts(container: Container): Container {
  return {
    ...container,
    ports: container.ports.map((port) => (port.hostPort === 0n ? { ...port, hostPort: port.containerPort } : port)),
  };
}

/** The other values of the annotation are allowed by every policy, in the field too. */
function withAppArmorField(container: Container, { metadata, spec }: Pod): Container {
  const annotation = metadata.annotations.get(appArmorAnnotationPrefix + container.name);
  if (annotation !== 'unconfined' || isWindowsPod(spec)) return container;
  if (container.securityContext?.appArmorProfile !== undefined) return container;
  if (spec.securityContext?.appArmorProfile?.type === 'Unconfined') return container;
  const securityContext = container.securityContext ?? noSecurityContext;
  return { ...container, securityContext: { ...securityContext, appArmorProfile: { type: 'Unconfined' } } };
}

/** Of keys that end with the name of a container. */
export const appArmorAnnotationPrefix = 'container.apparmor.security.beta.kubernetes.io/';

/** All containers in the order in which messages name them. Source: policy/visitor.go, visitContainers. */
export function containersOf({ initContainers, containers, ephemeralContainers }: PodSpec): readonly Container[] {
  return [...initContainers, ...containers, ...ephemeralContainers];
}

/** Whether it says of itself that it runs on Windows, where most of the restricted checks have no meaning. */
export function isWindowsPod({ os }: PodSpec): boolean {
  return os?.name === 'windows';
}

/** Whether root in the Pod is nobody on its node. Source: policy/helpers.go, relaxPolicyForUserNamespacePod. */
export function hasUserNamespace({ hostUsers }: PodSpec): boolean {
  return hostUsers === false;
}

function presenceOf(sources: readonly VolumeSource[]): { readonly [Source in VolumeSource]: Shape<boolean> } {
  // One member for each of the names; Object.fromEntries forgets them.
  return Object.fromEntries(sources.map((source) => [source, isPresent])) as {
    readonly [Source in VolumeSource]: Shape<boolean>;
  };
}
