import type { JsonObject } from '../src/json/index.ts';
import { encodeReviewRequest } from '../src/admission/index.ts';

/** Sizes of the reviews that gates are measured with, in KB of JSON; most Pods of real clusters lie between the first two. */
export const reviewSizes = [4, 7, 60] as const;
export type ReviewSize = (typeof reviewSizes)[number];

interface Shape {
  readonly containers: number;
  readonly variables: number;
  readonly volumes: number;
  /** Characters of an annotation such as `kubectl.kubernetes.io/last-applied-configuration`. */
  readonly annotation: number;
}

const shapes: Readonly<Record<ReviewSize, Shape>> = {
  4: { containers: 1, variables: 5, volumes: 1, annotation: 0 },
  7: { containers: 2, variables: 8, volumes: 2, annotation: 0 },
  60: { containers: 8, variables: 26, volumes: 12, annotation: 8000 },
};

/** The review of a Pod's CREATE, as the API server sends it for a Pod that a ReplicaSet makes. */
export function podReview(size: ReviewSize, index = 0): string {
  return encodeReviewRequest('v1', {
    uid: `705ab4f5-6393-11e8-b7cc-${String(index).padStart(12, '0')}`,
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    requestKind: { group: '', version: 'v1', kind: 'Pod' },
    requestResource: { group: '', version: 'v1', resource: 'pods' },
    name: `storefront-6d9f7c5b8d-${index}`,
    namespace: 'shop',
    operation: 'CREATE',
    userInfo: {
      username: 'system:serviceaccount:kube-system:replicaset-controller',
      uid: '0f7a2f9e-33a4-4c2f-9a9d-6a2b3f0f4b11',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/credential-id': ['JTI=7ee52be0-9045-4653-aa5e-0da57b8dccdc'] },
    },
    object: storefrontPod(size, index),
    oldObject: null,
    dryRun: false,
    options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
  });
}

/** Its first container has no resources and no team is named: there is something to default. */
export function storefrontPod(size: ReviewSize, index = 0): JsonObject {
  const shape = shapes[size];
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      name: `storefront-6d9f7c5b8d-${index}`,
      generateName: 'storefront-6d9f7c5b8d-',
      namespace: 'shop',
      creationTimestamp: null,
      labels: { app: 'storefront', tier: 'web', 'pod-template-hash': '6d9f7c5b8d' },
      annotations: {
        'prometheus.io/scrape': 'true',
        'prometheus.io/port': '9090',
        ...(shape.annotation > 0 && { 'example.com/configuration': 'key=value;'.repeat(shape.annotation / 10) }),
      },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: 'storefront-6d9f7c5b8d',
          uid: '9f8e7d6c-5b4a-4392-8170-6f5e4d3c2b1a',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      managedFields: [
        {
          manager: 'kube-controller-manager',
          operation: 'Update',
          apiVersion: 'v1',
          time: '2026-11-23T18:00:00Z',
          fieldsType: 'FieldsV1',
          fieldsV1: managedFields(shape),
        },
      ],
    },
    spec: {
      volumes: Array.from({ length: shape.volumes }, (_, volume) => ({
        name: `config-${volume}`,
        configMap: { name: `storefront-config-${volume}`, defaultMode: 420 },
      })),
      containers: Array.from({ length: shape.containers }, (_, container) => ({
        name: containerName(container),
        image: `registry.example.com/shop/${containerName(container)}:1.4.${container}`,
        args: ['--listen=:8080', '--log-format=json', `--instance=${container}`],
        ports: [{ name: 'http', containerPort: 8080 + container, protocol: 'TCP' }],
        env: Array.from({ length: shape.variables }, (_, variable) => ({
          name: variableName(variable),
          value: `postgres://storefront-${variable}.shop.svc:5432`,
        })),
        resources:
          container === 0 ? {} : { limits: { cpu: '1', memory: '512Mi' }, requests: { cpu: '250m', memory: '256Mi' } },
        volumeMounts: Array.from({ length: shape.volumes }, (_, volume) => ({
          name: `config-${volume}`,
          readOnly: true,
          mountPath: `/etc/storefront/${volume}`,
        })),
        livenessProbe: probe('/livez'),
        readinessProbe: probe('/readyz'),
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
        imagePullPolicy: 'IfNotPresent',
        securityContext: { capabilities: { drop: ['ALL'] }, runAsNonRoot: true, allowPrivilegeEscalation: false },
      })),
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      serviceAccountName: 'storefront',
      serviceAccount: 'storefront',
      securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
      schedulerName: 'default-scheduler',
      tolerations: [
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
        { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
      ],
      priority: 0,
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
    },
    status: {},
  };
}

function containerName(container: number): string {
  return container === 0 ? 'web' : `sidecar-${container}`;
}

function variableName(variable: number): string {
  return `STOREFRONT_DATABASE_URL_${variable}`;
}

function probe(path: string): JsonObject {
  return {
    httpGet: { path, port: 'http', scheme: 'HTTP' },
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  };
}

function managedFields(shape: Shape): JsonObject {
  const members = (names: readonly string[], inside: () => JsonObject = () => ({})): JsonObject =>
    Object.fromEntries(names.map((name) => [name, inside()]));
  return {
    'f:metadata': {
      'f:generateName': {},
      'f:labels': { '.': {}, ...members(['f:app', 'f:tier', 'f:pod-template-hash']) },
      'f:ownerReferences': { '.': {}, 'k:{"uid":"9f8e7d6c-5b4a-4392-8170-6f5e4d3c2b1a"}': {} },
    },
    'f:spec': {
      'f:containers': members(
        Array.from({ length: shape.containers }, (_, container) => `k:{"name":"${containerName(container)}"}`),
        () => ({
          '.': {},
          ...members(['f:args', 'f:image', 'f:imagePullPolicy', 'f:name', 'f:resources', 'f:terminationMessagePath']),
          'f:env': members(
            Array.from({ length: shape.variables }, (_, variable) => `k:{"name":"${variableName(variable)}"}`),
            () => ({ '.': {}, ...members(['f:name', 'f:value']) }),
          ),
        }),
      ),
      ...members(['f:dnsPolicy', 'f:enableServiceLinks', 'f:restartPolicy', 'f:schedulerName', 'f:securityContext']),
    },
  };
}
