import { FakeClock } from '../fake-clock.ts';

/** A clock that stands at this wall-clock time, milliseconds since the epoch, until the test moves it. */
export function clockAt(now: number): FakeClock {
  const clock = new FakeClock();
  clock.advance(now);
  return clock;
}
