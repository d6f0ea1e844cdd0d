import { labelSelectorSchema } from '../api/label-selector-schema.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import { deletionGuardKind } from './deletion-guard.ts';
import { resolveGuardPolicy } from './guard-policy.ts';
import { defaultHookSecret } from './hooks/hook-spec.ts';
import { requesterClasses } from './requester.ts';

/**
 * What makes a cluster know DeletionGuard objects: their schema, checked by the API server before it stores one, and the
 * columns of `kubectl get deletionguards`. What the schema cannot say is checked when the gate reads the object.
 */
export function deletionGuardDefinition(): KubernetesObject & Readonly<Record<string, unknown>> {
  const { group, kind, resource, version } = deletionGuardKind;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${resource}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural: resource, singular: 'deletionguard', shortNames: ['dguard'] },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          additionalPrinterColumns: [
            { name: 'Deadline', type: 'integer', jsonPath: '.spec.deadlineSeconds' },
            { name: 'On Deadline', type: 'string', jsonPath: '.spec.onDeadline' },
            { name: 'At Once', type: 'integer', jsonPath: '.spec.maxConcurrent' },
            { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          ],
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description: 'Pods of its namespace that leave only after their clean-up.',
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec: { type: 'object', required: ['selector', 'hook'], properties: { selector, hook, ...policy() } },
              },
            },
          },
        },
      ],
    },
  };
}

const selector = labelSelectorSchema({
  description: `Which Pods of the namespace, among those that are labelled for the guard. Must not be empty.`,
  minProperties: 1,
});

/** Checked when the Job is made, by the API server itself. */
const jobTemplate = (description: string): object => ({
  type: 'object',
  description,
  required: ['spec'],
  'x-kubernetes-preserve-unknown-fields': true,
  properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
});

const hook = {
  type: 'object',
  description: 'What the application offers for its clean-up: exactly one of the two.',
  'x-kubernetes-validations': [
    { rule: 'has(self.http) != has(self.job)', message: 'expected exactly one of http and job' },
  ],
  properties: {
    http: {
      type: 'object',
      description: 'POST <url>/start, GET <url>/status, POST <url>/undo.',
      required: ['url'],
      properties: {
        url: {
          type: 'string',
          maxLength: 2048,
          pattern: '^https?://[^?#]+$',
          description: 'May hold {podIP}, {name} and {namespace} of the Pod.',
        },
        timeoutSeconds: { type: 'integer', minimum: 1, maximum: 30, default: 5, description: 'For one call.' },
        caBundle: { type: 'string', format: 'byte', description: 'Authorities of the application: PEM in base64.' },
        secretRef: {
          type: 'object',
          description: 'Secret of this namespace that signs the calls, as Standard Webhooks has it.',
          properties: {
            name: { type: 'string', minLength: 1, default: defaultHookSecret },
            key: { type: 'string', minLength: 1, default: 'secret' },
          },
        },
      },
    },
    job: {
      type: 'object',
      description: 'A Job for each clean-up. Cannot be made in a namespace that is being deleted.',
      required: ['template'],
      properties: {
        template: jobTemplate('A JobTemplateSpec.'),
        undoTemplate: jobTemplate('A JobTemplateSpec: run when a clean-up is called off.'),
        ttlSecondsAfterFinished: { type: 'integer', minimum: 60, default: 3600 },
      },
    },
  },
};

function policy(): Readonly<Record<string, object>> {
  const defaults = resolveGuardPolicy({});
  const seconds = (value: number, minimum: number, description: string): object => ({
    type: 'integer',
    minimum,
    maximum: 31_536_000,
    default: value,
    description,
  });
  const choice = (value: string, others: readonly string[], description: string): object => ({
    type: 'string',
    enum: [value, ...others],
    default: value,
    description,
  });
  return {
    deadlineSeconds: seconds(defaults.deadlineSeconds, 1, 'From the start of the clean-up.'),
    onDeadline: choice(defaults.onDeadline, ['Hold'], 'What becomes of a Pod whose clean-up is not done by then.'),
    onHookFailure: choice(defaults.onHookFailure, ['Release', 'Hold'], 'What follows a clean-up that failed.'),
    onNamespaceDelete: choice(
      defaults.onNamespaceDelete,
      ['Hold'],
      'Whether Pods of a namespace that is deleted are held.',
    ),
    idleAfterSeconds: seconds(
      defaults.idleAfterSeconds,
      1,
      'Nobody asked for this long: the clean-up is undone, where the finisher of the requester is Abort.',
    ),
    settleSeconds: seconds(defaults.settleSeconds, 0, 'From out of service to the start of the hook.'),
    pollSeconds: seconds(defaults.pollSeconds, 1, 'Between two questions to the hook.'),
    retrySeconds: seconds(
      defaults.retrySeconds,
      1,
      'First pause after a failure; doubled with each, up to twelvefold.',
    ),
    releaseSeconds: seconds(defaults.releaseSeconds, 1, 'A released Pod that is still there is put back in service.'),
    finishAfterSeconds: seconds(defaults.finishAfterSeconds, 0, 'Until the guard itself deletes a released Pod.'),
    maxConcurrent: {
      type: 'integer',
      minimum: 1,
      maximum: 1000,
      default: defaults.maxConcurrent,
      description: 'Pods of one workload that leave at one time.',
    },
    finisher: {
      type: 'object',
      description: 'By kind of requester: whether the guard deletes a released Pod that nobody asks for, or undoes.',
      properties: Object.fromEntries(
        requesterClasses.map((name) => [name, { type: 'string', enum: ['Delete', 'Abort'] }]),
      ),
    },
    takeOutOfService: {
      type: 'object',
      description: 'How a Pod stops getting traffic before its clean-up.',
      properties: {
        readinessGate: { type: 'boolean', default: false, description: 'Pods get one when they are created.' },
        trafficLabel: { type: 'string', description: 'A label that Services select and workloads do not.' },
      },
    },
  };
}
