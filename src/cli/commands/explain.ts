import { exitCode, type ExitCode } from '../exit-code.ts';
import { formatTrace } from '../outcome-report.ts';
import { openReview, type ReviewInput } from '../review-input.ts';

/** Prints everything the chain does with each manifest: who was asked, who was not and why, what each answered. */
export async function explain(options: ReviewInput): Promise<ExitCode> {
  const { manifests, problems, reviewAll } = await openReview(options);
  const reviewed = await reviewAll(manifests);
  process.stdout.write(reviewed.map(formatTrace).join('\n'));
  for (const { file, line, column, message } of problems) {
    process.stderr.write(`${file}:${line}:${column}: ${message}\n`);
  }
  if (problems.length > 0 || manifests.length === 0) return exitCode.fault;
  return reviewed.every(({ outcome }) => outcome.allowed) ? exitCode.done : exitCode.refused;
}
