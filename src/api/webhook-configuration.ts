import type { Operation } from './admission-review.ts';
import type { KubernetesObject } from './object-meta.ts';

export type FailurePolicy = 'Ignore' | 'Fail';
export type MatchPolicy = 'Exact' | 'Equivalent';
export type ReinvocationPolicy = 'Never' | 'IfNeeded';
export type SideEffects = 'Unknown' | 'None' | 'Some' | 'NoneOnDryRun';
export type Scope = 'Cluster' | 'Namespaced' | '*';

/** One rule of a webhook. Source: k8s.io/api v0.37.2 admissionregistration/v1/types.go, RuleWithOperations. */
export interface RuleWithOperations {
  operations: Array<Operation | '*'>;
  apiGroups: string[];
  apiVersions: string[];
  /** `"pods"`, `"pods/eviction"`, `"pods/*"`, `"*"`, or `"*"` on both sides of a slash. */
  resources: string[];
  scope?: Scope;
}

export interface LabelSelectorRequirement {
  key: string;
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  values?: string[];
}

export interface LabelSelector {
  matchLabels?: { [key: string]: string };
  matchExpressions?: LabelSelectorRequirement[];
}

export interface MatchCondition {
  name: string;
  /** CEL that gives a bool. */
  expression: string;
}

export interface ServiceReference {
  namespace: string;
  name: string;
  path?: string;
  port?: number;
}

/** Exactly one of `url` and `service`. `caBundle` is PEM in base64. */
export interface WebhookClientConfig {
  url?: string;
  service?: ServiceReference;
  caBundle?: string;
}

export interface ValidatingWebhook {
  name: string;
  clientConfig: WebhookClientConfig;
  rules?: RuleWithOperations[];
  failurePolicy?: FailurePolicy;
  matchPolicy?: MatchPolicy;
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
  sideEffects: SideEffects;
  timeoutSeconds?: number;
  admissionReviewVersions: string[];
  matchConditions?: MatchCondition[];
}

export interface MutatingWebhook extends ValidatingWebhook {
  reinvocationPolicy?: ReinvocationPolicy;
}

export interface MutatingWebhookConfiguration extends KubernetesObject {
  apiVersion: 'admissionregistration.k8s.io/v1';
  kind: 'MutatingWebhookConfiguration';
  webhooks?: MutatingWebhook[];
}

export interface ValidatingWebhookConfiguration extends KubernetesObject {
  apiVersion: 'admissionregistration.k8s.io/v1';
  kind: 'ValidatingWebhookConfiguration';
  webhooks?: ValidatingWebhook[];
}

export type WebhookConfiguration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration;
