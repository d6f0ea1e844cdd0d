import { relative } from 'node:path';
import { styleText } from 'node:util';
import { stringify } from 'yaml';
import type { ManifestProblem } from '../api/manifest.ts';
import type { ReviewedManifest } from '../review/offline-review.ts';
import type { Step, WebhookMatch, WebhookStep } from '../chain/step.ts';
import { diff, isRawNumber, numberText, type JsonValue } from '../json/index.ts';
import { notSimulatedText } from './not-simulated.ts';
import { hidden, isSecret, objectDiff, patchLines } from './object-diff.ts';

export type ReviewFormat = 'table' | 'diff' | 'yaml' | 'json';

/** Reviewed manifests as a person or a machine wants to read them. */
export function formatOutcomes(
  reviewed: readonly ReviewedManifest[],
  problems: readonly ManifestProblem[],
  format: ReviewFormat,
): string {
  switch (format) {
    case 'table':
      return table(reviewed, problems, false);
    case 'diff':
      return table(reviewed, problems, true);
    case 'yaml':
      return [
        ...reviewed.flatMap(({ outcome: { allowed, object } }) =>
          // Of what is deleted nothing is left to print.
          allowed && object !== null ? [stringify(object, yamlNumber, { lineWidth: 0 })] : [],
        ),
        // Comments, so that what is printed can still be applied.
        ...reviewed.flatMap((each) => (each.outcome.allowed ? [] : [`# denied: ${nameOf(each)}: ${reasonOf(each)}\n`])),
        ...problems.map((problem) => `# unread: ${placeOf(problem)}: ${problem.message}\n`),
      ].join('---\n');
    case 'json':
      return `${JSON.stringify({ reviews: reviewed.map(asJson), problems })}\n`;
  }
}

/** Integers that a double does not hold are raw JSON numbers, which the YAML library does not know. */
function yamlNumber(_key: unknown, value: unknown): unknown {
  if (!isRawNumber(value)) return value;
  const text = numberText(value);
  return /^-?\d+$/.test(text) ? BigInt(text) : Number(text);
}

/** Everything the chain did with one manifest, in order. */
export function formatTrace(reviewed: ReviewedManifest): string {
  const { attributes, outcome } = reviewed;
  const { operation, resource, subresource, userInfo, dryRun } = attributes;
  const path = [resource.group, resource.version, resource.resource, subresource]
    .filter((part) => part !== '')
    .join('/');
  const hides = isSecret(attributes.object ?? attributes.oldObject);
  const lines = [
    `${styleText('bold', nameOf(reviewed))}`,
    `${operation} ${path} as ${userInfo.username ?? ''}${dryRun ? ', dry run' : ''}`,
    '',
    ...outcome.steps.flatMap((step) => stepLines(step, hides)),
    '',
    conclusion(reviewed),
    ...outcome.warnings.map((warning) => `${styleText('yellow', 'warning')} ${warning}`),
    ...Object.entries(outcome.auditAnnotations).map(([key, { value }]) =>
      styleText('dim', `audit ${key}: ${hides && key.startsWith('patch.') ? hidden : value}`),
    ),
    styleText('dim', notSimulatedText),
  ];
  return `${lines.join('\n')}\n`;
}

function table(reviewed: readonly ReviewedManifest[], problems: readonly ManifestProblem[], withDiff: boolean): string {
  const names = reviewed.map(nameOf);
  const width = Math.max(6, ...names.map((name) => name.length));
  const lines = [styleText('bold', `${'DECISION'.padEnd(8)} ${'OBJECT'.padEnd(width)}  FROM`)];
  reviewed.forEach((each, index) => {
    const { manifest, outcome } = each;
    const decision = decisionOf(each);
    const colour = { allowed: 'green', changed: 'cyan', denied: 'red' } as const;
    lines.push(
      `${styleText(colour[decision], decision.padEnd(8))} ${(names[index] ?? '').padEnd(width)}  ${styleText('dim', `${shortPath(manifest.file)}:${manifest.line}`)}`,
    );
    if (!outcome.allowed) lines.push(`           ${reasonOf(each)}`);
    lines.push(...changes(outcome.steps, withDiff).map((line) => `           ${line}`));
    for (const warning of outcome.warnings) lines.push(`           ${styleText('yellow', 'warning')} ${warning}`);
  });
  for (const problem of problems) {
    lines.push(`${styleText('red', 'unread  ')} ${placeOf(problem)}: ${problem.message}`);
  }
  const count = (decision: string): number => reviewed.filter((each) => decisionOf(each) === decision).length;
  const unread = problems.length === 0 ? '' : `, ${problems.length} unread`;
  lines.push('', `${count('allowed')} allowed, ${count('changed')} changed, ${count('denied')} denied${unread}`);
  return `${lines.join('\n')}\n`;
}

function asJson(reviewed: ReviewedManifest): object {
  const { manifest, attributes, outcome } = reviewed;
  return {
    file: manifest.file,
    line: manifest.line,
    apiVersion: manifest.object.apiVersion,
    kind: manifest.object.kind,
    namespace: attributes.namespace,
    name: attributes.name,
    operation: attributes.operation,
    decision: decisionOf(reviewed),
    ...outcome,
  };
}

function decisionOf(reviewed: ReviewedManifest): 'allowed' | 'changed' | 'denied' {
  const { outcome, attributes } = reviewed;
  if (!outcome.allowed) return 'denied';
  if (attributes.operation === 'DELETE' || outcome.object === null) return 'allowed';
  return diff(before(reviewed), outcome.object).length > 0 ? 'changed' : 'allowed';
}

function before({ attributes }: ReviewedManifest): JsonValue {
  return attributes.object;
}

function nameOf({ manifest, attributes }: ReviewedManifest): string {
  const { name, generateName } = manifest.object.metadata ?? {};
  const namespace =
    attributes.kind.kind === 'Namespace' || attributes.namespace === '' ? '' : `${attributes.namespace}/`;
  return `${attributes.kind.kind} ${namespace}${name ?? (generateName === undefined ? '(no name)' : `${generateName}*`)}`;
}

/** What kubectl prints behind "Error from server". */
function reasonOf({ outcome }: ReviewedManifest): string {
  const { reason, message } = outcome.status ?? {};
  return `Error from server${reason === undefined ? '' : ` (${reason})`}: ${message ?? ''}`;
}

function conclusion(reviewed: ReviewedManifest): string {
  if (!reviewed.outcome.allowed) return `${styleText('red', 'denied')} ${reasonOf(reviewed)}`;
  return decisionOf(reviewed) === 'changed' ? styleText('cyan', 'allowed, changed') : styleText('green', 'allowed');
}

/** Who changed the object, in order, and what. */
function changes(steps: readonly Step[], withDiff: boolean): string[] {
  const lines: string[] = [];
  const tell = (who: string, diffLines: readonly string[]): void => {
    lines.push(`${styleText('cyan', 'changed by')} ${who}`);
    if (withDiff) lines.push(...diffLines.map((line) => `  ${line}`));
  };
  let current: JsonValue = null;
  for (const step of steps) {
    if (step.kind === 'plugin') {
      if (step.outcome.kind !== 'changed') continue;
      const { before, after } = step.outcome;
      current = before;
      // The webhooks of a plug-in follow it and tell themselves what they changed.
      if (!step.plugin.endsWith('AdmissionWebhook')) tell(step.plugin, objectDiff(before, after));
    } else if (step.call?.result.kind === 'allowed' && step.call.result.changed) {
      const { lines: diffLines, after } = patchLines(current, step.call.patch ?? []);
      tell(step.webhook, diffLines);
      current = after;
    }
  }
  return lines;
}

/** `hides`: the object is a Secret, whose values are not to be shown. */
function stepLines(step: Step, hides: boolean): string[] {
  const round = step.round === 1 ? ' (called again)' : '';
  const time = styleText('dim', `${step.milliseconds.toFixed(1)} ms`);
  if (step.kind === 'webhook') {
    const lines = [`    webhook ${step.configuration}/${step.webhook}${round}: ${whatWebhookDid(step)} ${time}`];
    if (step.call?.patch !== undefined) {
      lines.push(`      patch ${hides ? hidden : JSON.stringify(step.call.patch)}`);
    }
    return lines;
  }
  const head = `${step.walk === 'admit' ? 'mutating  ' : 'validating'} ${step.plugin}${round}`;
  switch (step.outcome.kind) {
    case 'notHandled':
      return [styleText('dim', `${head}: does not look at this operation`)];
    case 'notSimulated':
      return [styleText('dim', `${head}: not simulated`)];
    case 'allowed':
      return [`${head}: allowed ${time}`];
    case 'refused':
      return [`${head}: ${styleText('red', 'refused')} ${time}`];
    case 'changed':
      return [
        `${head}: ${styleText('cyan', 'changed the object')} ${time}`,
        ...objectDiff(step.outcome.before, step.outcome.after).map((line) => `      ${line}`),
      ];
  }
}

function whatWebhookDid({ match, call }: WebhookStep): string {
  if (match.kind !== 'matched') return `not called: ${whyNot(match)}`;
  const where = match.equivalent ? ` as ${match.resource.group}/${match.resource.version}` : '';
  if (call === undefined) return `called${where}`;
  switch (call.result.kind) {
    case 'allowed':
      return `called${where}: allowed${call.result.changed ? ', changed the object' : ''}`;
    case 'rejected':
      return `called${where}: ${styleText('red', 'denied')}: ${call.result.status.message ?? ''}`;
    case 'callError':
      return `called${where}: ${styleText('yellow', 'no usable answer')}: ${call.result.message}; failurePolicy ${call.result.failurePolicy}`;
    case 'serverError':
      return `called${where}: ${styleText('red', 'the API server fails')}: ${call.result.status.message ?? ''}`;
  }
}

function whyNot(match: Exclude<WebhookMatch, { kind: 'matched' }>): string {
  switch (match.kind) {
    case 'notReinvoked':
      return 'nothing changed after it that it asked to be called again for';
    case 'failed':
      return match.status.message ?? 'it could not be told whether it matches';
    case 'notMatched':
      switch (match.by) {
        case 'rules':
          return 'no rule covers the request';
        case 'namespaceSelector':
          return 'namespaceSelector does not match';
        case 'objectSelector':
          return 'objectSelector does not match';
        case 'matchConditions':
          return `matchCondition "${match.condition}" is false`;
        case 'matchConditionErrors':
          return `its matchConditions failed, and failurePolicy is Ignore: ${match.errors.join('; ')}`;
      }
  }
}

function placeOf({ file, line, column }: ManifestProblem): string {
  return line === 0 ? shortPath(file) : `${shortPath(file)}:${line}:${column}`;
}

function shortPath(file: string): string {
  return file.startsWith('/') ? relative(process.cwd(), file) : file;
}
