import type { WebhookDefinition, WebhookRegistry } from '../admission/index.ts';
import { operations } from '../api/admission-review.ts';
import type { RuleWithOperations } from '../api/webhook-configuration.ts';
import { matchesRule, type RuleAttributes } from '../chain/match/rules.ts';

/**
 * How long a request lives in the API server, whatever its webhooks may take.
 * Source: apiserver v0.37.2 `pkg/endpoints/handlers/rest.go` requestTimeoutUpperBound.
 */
const requestSeconds = 34;

/**
 * One sentence when mutating webhooks, which are called one after the other, may together take longer on one request than it
 * lives: it would then fail, whatever their failure policies. Of several such requests the worst is told. Undefined when
 * every request has time enough.
 *
 * A webhook that may be reinvoked counts twice. Selectors and conditions are not weighed.
 */
export function findTimeoutHazard(registry: WebhookRegistry): string | undefined {
  const mutating = [...registry].filter(({ kind }) => kind === 'mutating');
  const worst = mutating
    .flatMap(({ rules }) => rules.flatMap((rule) => requestsOf(rule)))
    .map((request) => ({
      request,
      webhooks: mutating.filter(({ rules }) => rules.some((rule) => matchesRule(rule, request))),
    }))
    .map(({ request, webhooks }) => ({ request, webhooks, seconds: sum(webhooks) }))
    .reduce<Sum | undefined>(
      (most, next) => (most === undefined || next.seconds > most.seconds ? next : most),
      undefined,
    );
  if (worst === undefined || worst.seconds <= requestSeconds) return undefined;
  const { request, webhooks, seconds } = worst;
  const names = webhooks.map(({ name, timeoutSeconds, reinvocationPolicy }) =>
    reinvocationPolicy === 'IfNeeded' ? `${name} (twice ${timeoutSeconds} s)` : `${name} (${timeoutSeconds} s)`,
  );
  return (
    `${request.operation} of ${resourceText(request)} may take ${seconds} s in ${names.join(', ')}, ` +
    `and the API server gives up after ${requestSeconds} s; lower timeoutSeconds so that their sum is less`
  );
}

interface Sum {
  readonly request: RuleAttributes;
  readonly webhooks: readonly WebhookDefinition[];
  readonly seconds: number;
}

function sum(webhooks: readonly WebhookDefinition[]): number {
  return webhooks.reduce(
    (total, { timeoutSeconds, reinvocationPolicy }) =>
      total + timeoutSeconds * (reinvocationPolicy === 'IfNeeded' ? 2 : 1),
    0,
  );
}

/** One request for each thing that the rule names. "*" stands for a thing that nobody names: only other "*" match it. */
function requestsOf(rule: RuleWithOperations): RuleAttributes[] {
  const { apiGroups, apiVersions, resources, scope = '*' } = rule;
  const ruleOperations = rule.operations.includes('*')
    ? operations
    : operations.filter((o) => rule.operations.includes(o));
  const namespaces = scope === 'Cluster' ? [''] : scope === 'Namespaced' ? ['any'] : ['', 'any'];
  return ruleOperations.flatMap((operation) =>
    apiGroups.flatMap((group) =>
      apiVersions.flatMap((version) =>
        resources.flatMap((text) => {
          const [resource = '', subresource = ''] = text.split('/');
          return namespaces.map((namespace) => ({
            operation,
            resource: { group, version, resource },
            subresource,
            namespace,
          }));
        }),
      ),
    ),
  );
}

function resourceText({ resource: { group, resource }, subresource }: RuleAttributes): string {
  const name = group === '' ? resource : `${resource}.${group}`;
  return subresource === '' ? name : `${name}/${subresource}`;
}
