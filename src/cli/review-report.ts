import { styleText } from 'node:util';
import { relative } from 'node:path';
import type { Manifest, ManifestProblem } from '../api/manifest.ts';
import type { ManifestReview, WebhookResult } from '../app/review-manifest.ts';
import { apply, type JsonValue } from '../json/index.ts';
import { patchLines } from './object-diff.ts';

/**
 * The reviews as a table for people: a row for each manifest, under it who changed what, as a diff, and who refused and
 * why. Colours follow the terminal that standard output is.
 */
export function formatReviews(reviews: readonly ManifestReview[], problems: readonly ManifestProblem[]): string {
  const rows = reviews.map(({ manifest, decision }) => ({ ...nameOf(manifest), decision }));
  const width = (column: 'object' | 'place'): number => Math.max(...rows.map((row) => row[column].length), 6);
  const lines = [styleText('bold', `${'DECISION'.padEnd(8)} ${'OBJECT'.padEnd(width('object'))}  FROM`)];
  reviews.forEach((review, index) => {
    const row = rows[index];
    if (row === undefined) return;
    const decision = styleText(decisionColour[review.decision], review.decision.padEnd(8));
    lines.push(`${decision} ${row.object.padEnd(width('object'))}  ${styleText('dim', row.place)}`);
    lines.push(...detailsOf(review));
  });
  for (const { file, line, column, message } of problems) {
    const place = line === 0 ? file : `${file}:${line}:${column}`;
    lines.push(`${styleText('red', 'unread  ')} ${place}: ${message}`);
  }
  const count = (decision: ManifestReview['decision']): number =>
    reviews.filter((review) => review.decision === decision).length;
  const unread = problems.length === 0 ? '' : `, ${problems.length} unread`;
  lines.push('', `${count('allowed')} allowed, ${count('changed')} changed, ${count('denied')} denied${unread}`);
  return `${lines.join('\n')}\n`;
}

const decisionColour = { allowed: 'green', changed: 'cyan', denied: 'red' } as const;

function nameOf({ object, kind, file, line }: Manifest): { object: string; place: string } {
  const { namespace, name, generateName } = object.metadata ?? {};
  const shown = name ?? (generateName === undefined ? '(no name)' : `${generateName}*`);
  return {
    object: `${kind.kind} ${namespace === undefined ? '' : `${namespace}/`}${shown}`,
    place: `${file.startsWith('/') ? relative(process.cwd(), file) : file}:${line}`,
  };
}

function detailsOf({ manifest, webhooks }: ManifestReview): string[] {
  const lines: string[] = [];
  // A manifest is JSON by the way it was read.
  let object = manifest.object as JsonValue;
  for (const result of webhooks) {
    if (result.outcome !== 'allowed') lines.push(`           ${result.webhook}${messageOf(result)}`);
    lines.push(...patchLines(object, result.patch).map((line) => `             ${line}`));
    object = apply(object, [...result.patch]);
    for (const warning of result.warnings) lines.push(`           ${styleText('yellow', 'warning')} ${warning}`);
  }
  return lines;
}

function messageOf({ outcome, message }: WebhookResult): string {
  if (message === undefined) return '';
  return outcome === 'fault' ? `: ${styleText('yellow', 'fault')} ${message}` : `: ${message}`;
}

/** The reviews for machines: one JSON document. */
export function reviewsAsJson(reviews: readonly ManifestReview[], problems: readonly ManifestProblem[]): string {
  const results = reviews.map(({ manifest, decision, webhooks, object }) => ({
    file: manifest.file,
    line: manifest.line,
    apiVersion: manifest.object.apiVersion,
    kind: manifest.object.kind,
    namespace: manifest.object.metadata?.namespace,
    name: manifest.object.metadata?.name,
    decision,
    webhooks,
    object,
  }));
  return `${JSON.stringify({ reviews: results, problems })}\n`;
}
