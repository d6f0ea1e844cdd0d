import { setTimeout as sleep } from 'node:timers/promises';

/** Asks again and again until it is so. The last look begins after the time is up: a stall alone does not fail it. */
export async function until(check: () => Promise<boolean>, seconds = 20): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const isLast = performance.now() > deadline;
    if (await check()) return;
    if (isLast) throw new Error(`it did not come about within ${seconds} s: ${String(check)}`);
    await sleep(100);
  }
}
