import { breakages, shortLives, type Edit } from './build.ts';
import { play, startStage } from './scenario.ts';

/**
 * The full numbers of lost-requests.e2e.test.ts: `npm run test:rollouts`, half an hour. Ends with 1 when a write of
 * ours failed, or when none did with what others do.
 */
const everything = { bursts: 10, caRotations: 5, restarts: 20, leafRotations: 20, isVerbose: true };
const stage = await startStage();
try {
  for (const hasKeeper of [true, false]) {
    const { failures, ...figures } = await play(stage, { edits: shortLives, hasKeeper, ...everything });
    process.stdout.write(
      `${hasKeeper ? 'register --watch beside serve --no-register' : 'serve'}: ${JSON.stringify(figures)}\n` +
        `${failures.length} of ${figures.writes} writes failed\n`,
    );
    for (const { at, message } of failures.slice(0, 20)) process.stdout.write(`  ${at} ms: ${message}\n`);
    if (failures.length > 0 || figures.badExits.length > 0) process.exitCode = 1;
  }
  for (const [name, edit] of Object.entries<Edit>(breakages)) {
    const outcome = await play(stage, {
      edits: [...shortLives, edit],
      hasKeeper: true,
      ...everything,
      untilFailure: true,
    });
    const [first] = outcome.failures;
    process.stdout.write(
      `${name}: ${outcome.failures.length} of ${outcome.writes} writes failed, the first after ${first?.at} ms: ${first?.message}\n`,
    );
    if (first === undefined) process.exitCode = 1;
  }
} finally {
  await stage.stop();
}
