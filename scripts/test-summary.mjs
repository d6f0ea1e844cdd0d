// Prints "N passed, N failed" from vitest's JSON report; each failed step of CI besides the tests counts as one failure.
// Exits with 1 when the report is missing, empty, or has failures or skipped tests.
import { readFileSync } from 'node:fs';

const [, , file = '', failedSteps = '0'] = process.argv;
let passed = 0;
let failed = 0;
let skipped = 0;
try {
  /** @type {{ numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number, success: boolean }} */
  const report = JSON.parse(readFileSync(file, 'utf8'));
  passed = report.numPassedTests;
  failed = report.numFailedTests;
  skipped = report.numPendingTests + report.numTodoTests;
  // A file that does not even load has no failed test in it.
  if (!report.success && failed === 0) failed = 1;
} catch (error) {
  console.error(`no test report: ${error instanceof Error ? error.message : String(error)}`);
}
// The step that ran the tests is among the failed ones when tests failed.
const stepsBesides = Math.max(0, Number(failedSteps) - (failed > 0 ? 1 : 0));
if (skipped > 0) console.error(`${skipped} tests were skipped; a green run has none`);
const total = failed + stepsBesides + (skipped > 0 ? 1 : 0) + (passed === 0 && failed === 0 ? 1 : 0);
console.log(`${passed} passed, ${total} failed`);
process.exit(total === 0 ? 0 : 1);
