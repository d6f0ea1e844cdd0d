import { setTimeout as sleep } from 'node:timers/promises';

/** Asks again and again, at most for a while, until it is so. */
export async function until(check: () => Promise<boolean>, seconds = 20): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  do {
    if (await check()) return;
    await sleep(100);
  } while (performance.now() < deadline);
  throw new Error(`it did not come about within ${seconds} s: ${String(check)}`);
}
