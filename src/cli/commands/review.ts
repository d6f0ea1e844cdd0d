import { exitCode, type ExitCode } from '../exit-code.ts';
import { formatOutcomes, type ReviewFormat } from '../outcome-report.ts';
import { openReview, type ReviewInput } from '../review-input.ts';

export interface ReviewOptions extends ReviewInput {
  readonly output: ReviewFormat;
}

/** Says what admission would make of each manifest. */
export async function review(options: ReviewOptions): Promise<ExitCode> {
  const { manifests, problems, reviewAll } = await openReview(options);
  const reviewed = await reviewAll(manifests);
  process.stdout.write(formatOutcomes(reviewed, problems, options.output));
  if (problems.length > 0 || manifests.length === 0) return exitCode.fault;
  return reviewed.every(({ outcome }) => outcome.allowed) ? exitCode.done : exitCode.refused;
}
