import type { KubernetesObject } from '../src/api/object-meta.ts';

/** A Pod as an API server sends it, with managedFields; its review is about 7 KB of JSON. */
export function benchPod(index = 0): KubernetesObject & { spec: object } {
  const container = (name: string): object => ({
    name,
    image: `registry.example.com/shop/${name}:1.4.2`,
    ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
    env: Array.from({ length: 8 }, (_, each) => ({ name: `VARIABLE_${each}`, value: `value-${each}-of-${name}` })),
    resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
    volumeMounts: [{ name: 'data', mountPath: '/data' }],
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
  });
  const fields = Object.fromEntries(
    Array.from({ length: 60 }, (_, each) => [`f:field-${each}`, { 'f:name': {}, 'f:value': {} }]),
  );
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `shop-${index}`,
      namespace: 'default',
      labels: { app: 'shop', tier: 'web', team: 'storefront' },
      annotations: { 'example.com/revision': '17' },
      managedFields: [
        { manager: 'kubectl', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: fields },
      ],
    } as KubernetesObject['metadata'],
    spec: {
      containers: [container('web'), container('proxy'), container('metrics')],
      volumes: [{ name: 'data', emptyDir: {} }],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      securityContext: {},
      schedulerName: 'default-scheduler',
    },
  };
}
