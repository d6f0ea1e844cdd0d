import { dns1035LabelProblems, dns1123SubdomainProblems } from '../../../api/names.ts';
import type { MutatingWebhook, ValidatingWebhook, WebhookConfiguration } from '../../../api/webhook-configuration.ts';
import { createConditionCompiler } from '../../match/cel-conditions.ts';
import type { ConditionCompiler } from '../../match/match-conditions.ts';
import { defaultWebhookConfiguration } from '../defaults.ts';
import { validateClientConfig } from './client-config.ts';
import { duplicate, invalid, notSupported, required, type FieldError } from './field-error.ts';
import { validateMatchConditions } from './match-conditions.ts';
import { validateMetadata } from './metadata.ts';
import { validateRule } from './rules.ts';
import { validateLabelSelector } from './selectors.ts';

/**
 * What the API server has against a webhook configuration, after filling in the defaults; [] when it would store it.
 *
 * With `stored`, the object that is to be updated, faults that it has already are let pass where the API server does so:
 * side effects, unknown review versions, equal names, values of selectors, and match conditions that have not changed.
 *
 * The object must have the types of its API; what of it does not is refused earlier, by decoding. Not copied: see
 * {@link validateMetadata}.
 *
 * Source: k8s.io/kubernetes v1.37.2 pkg/apis/admissionregistration/validation/validation.go,
 * ValidateMutatingWebhookConfiguration and its like; static_suffix.go.
 */
export function validateWebhookConfiguration(
  configuration: WebhookConfiguration,
  stored?: WebhookConfiguration,
): FieldError[] {
  const webhooks = defaulted(configuration);
  const ratchet = ratchetFor(webhooks, stored === undefined ? undefined : defaulted(stored));
  const compiler = createConditionCompiler();
  return [
    ...validateMetadata(configuration.metadata ?? {}),
    ...webhooks.flatMap((webhook, index) => {
      const field = `webhooks[${index}]`;
      const isRepeated = webhook.name !== '' && webhooks.slice(0, index).some(({ name }) => name === webhook.name);
      return [
        ...validateWebhook(webhook, ratchet, compiler, field),
        ...validateReviewVersions(webhook.admissionReviewVersions, ratchet, `${field}.admissionReviewVersions`),
        ...(isRepeated && ratchet.uniqueNames ? [duplicate(`${field}.name`, webhook.name)] : []),
      ];
    }),
    ...(stored === undefined ? validateStaticSuffix(configuration.metadata?.name ?? '') : []),
  ];
}

/** What is asked of an object; an update is asked for less when the stored one has the fault already. */
interface Ratchet {
  readonly matchConditions: boolean;
  readonly noSideEffects: boolean;
  readonly recognisedVersion: boolean;
  readonly uniqueNames: boolean;
  readonly allowInvalidValues: boolean;
}

function ratchetFor(webhooks: readonly ValidatingWebhook[], stored: readonly ValidatingWebhook[] | undefined): Ratchet {
  if (stored === undefined) {
    return {
      matchConditions: true,
      noSideEffects: true,
      recognisedVersion: true,
      uniqueNames: true,
      allowInvalidValues: false,
    };
  }
  return {
    matchConditions:
      webhooks.length !== stored.length ||
      stored.some((each, index) => !isSame(each.matchConditions ?? [], webhooks[index]?.matchConditions ?? [])),
    noSideEffects: stored.every(({ sideEffects }) => noSideEffects.includes(sideEffects)),
    recognisedVersion: stored.every(
      ({ admissionReviewVersions: versions = [] }) => versions.length === 0 || versions.some(isRecognised),
    ),
    uniqueNames: new Set(stored.map(({ name }) => name)).size === stored.length,
    allowInvalidValues: stored.some(({ namespaceSelector = {}, objectSelector = {} }) =>
      [namespaceSelector, objectSelector].some(
        (selector) => validateLabelSelector(selector, { allowInvalidValues: false }, '').length > 0,
      ),
    ),
  };
}

function validateWebhook(
  webhook: MutatingWebhook,
  ratchet: Ratchet,
  compiler: ConditionCompiler,
  field: string,
): FieldError[] {
  const {
    name = '',
    rules = [],
    failurePolicy,
    matchPolicy,
    timeoutSeconds,
    reinvocationPolicy,
  } = webhook as Partial<MutatingWebhook>;
  return [
    ...validateName(name, `${field}.name`),
    ...rules.flatMap((rule, index) => validateRule(rule, `${field}.rules[${index}]`)),
    ...oneOf(failurePolicy, ['Fail', 'Ignore'], `${field}.failurePolicy`),
    ...oneOf(matchPolicy, ['Equivalent', 'Exact'], `${field}.matchPolicy`),
    ...validateSideEffects(webhook, ratchet, `${field}.sideEffects`),
    ...(timeoutSeconds !== undefined && (timeoutSeconds < 1 || timeoutSeconds > 30)
      ? [invalid(`${field}.timeoutSeconds`, timeoutSeconds, 'the timeout value must be between 1 and 30 seconds')]
      : []),
    ...validateLabelSelector(webhook.namespaceSelector ?? {}, ratchet, `${field}.namespaceSelector`),
    ...validateLabelSelector(webhook.objectSelector ?? {}, ratchet, `${field}.objectSelector`),
    ...oneOf(reinvocationPolicy, ['IfNeeded', 'Never'], `${field}.reinvocationPolicy`),
    ...validateClientConfig(webhook.clientConfig, `${field}.clientConfig`),
    ...(ratchet.matchConditions
      ? validateMatchConditions(webhook.matchConditions ?? [], compiler, `${field}.matchConditions`)
      : []),
  ];
}

/** Source: k8s.io/apimachinery v0.37.2 pkg/util/validation/validation.go, IsFullyQualifiedName. */
function validateName(name: string, field: string): FieldError[] {
  if (name === '') return [required(field)];
  const problems = dns1123SubdomainProblems(name);
  if (problems.length > 0) return [invalid(field, name, problems.join(','))];
  if (name.split('.').length >= 3) return [];
  return [invalid(field, name, 'should be a domain with at least three segments separated by dots')];
}

const noSideEffects: readonly string[] = ['None', 'NoneOnDryRun'];
const allSideEffects: readonly string[] = ['None', 'NoneOnDryRun', 'Some', 'Unknown'];

function validateSideEffects(webhook: Partial<ValidatingWebhook>, ratchet: Ratchet, field: string): FieldError[] {
  const { sideEffects } = webhook;
  const allowed = ratchet.noSideEffects ? noSideEffects : allSideEffects;
  if (sideEffects === undefined) return [required(field, `must specify one of ${allowed.join(', ')}`)];
  return oneOf(sideEffects, allowed, field);
}

function validateReviewVersions(
  versions: readonly string[] | undefined,
  ratchet: Ratchet,
  field: string,
): FieldError[] {
  if (versions === undefined || versions.length === 0) return [required(field, 'must specify one of v1, v1beta1')];
  const errors = versions.flatMap((version, index) =>
    versions.indexOf(version) < index
      ? [invalid(`${field}[${index}]`, version, 'duplicate version')]
      : dns1035LabelProblems(version).map((problem) => invalid(`${field}[${index}]`, version, problem)),
  );
  if (!ratchet.recognisedVersion || versions.some(isRecognised)) return errors;
  return [...errors, invalid(field, [...versions], 'must include at least one of v1, v1beta1')];
}

function isRecognised(version: string): boolean {
  return version === 'v1' || version === 'v1beta1';
}

function validateStaticSuffix(name: string): FieldError[] {
  if (!name.endsWith(staticSuffix)) return [];
  const detail = `names ending with "${staticSuffix}" are reserved for static manifest-based configurations and cannot be managed via the API`;
  return [invalid('metadata.name', name, detail)];
}

const staticSuffix = '.static.k8s.io';

function oneOf(value: string | undefined, supported: readonly string[], field: string): FieldError[] {
  return value === undefined || supported.includes(value) ? [] : [notSupported(field, value, supported)];
}

function defaulted(configuration: WebhookConfiguration): readonly MutatingWebhook[] {
  const { webhooks = [] } =
    configuration.kind === 'MutatingWebhookConfiguration'
      ? defaultWebhookConfiguration(configuration)
      : defaultWebhookConfiguration(configuration);
  return webhooks;
}

/** Short lists of plain data with their members in one order. */
function isSame(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
