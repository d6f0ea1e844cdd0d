import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/fake-clock.ts';
import { EventLoopMonitor } from './event-loop-monitor.ts';
import type { EventLoopDelay } from './observer.ts';

/** A clock whose timers are late when the test says so, as those of a blocked event loop are. */
class LateClock extends FakeClock {
  lateness = 0;

  override monotonic(): number {
    return super.monotonic() + this.lateness;
  }
}

function setUp() {
  const clock = new LateClock();
  const windows: EventLoopDelay[] = [];
  const monitor = new EventLoopMonitor({ clock, onWindow: (delay) => void windows.push(delay) });
  monitor.start();
  return { clock, windows, monitor };
}

describe('EventLoopMonitor', () => {
  it('sees nothing in a loop that is on time', () => {
    const { clock, windows, monitor } = setUp();
    clock.advance(1000);
    expect(windows).toEqual([{ expectedMilliseconds: 0, maxMilliseconds: 0 }]);
    expect(monitor.delay).toBe(windows[0]);
  });

  it('weighs a block by who arrives in it: of a second, half is blocked, and there the wait is a quarter second on average', () => {
    const { clock, windows } = setUp();
    clock.advance(480);
    clock.lateness += 501;
    clock.advance(20);
    clock.advance(20);
    expect(windows).toHaveLength(1);
    const [window] = windows;
    expect(window?.maxMilliseconds).toBe(500);
    expect(window?.expectedMilliseconds).toBeCloseTo((500 * 500) / 2 / 1001, 6);
  });

  it('forgets after a window', () => {
    const { clock, monitor } = setUp();
    clock.lateness += 3000;
    clock.advance(20);
    expect(monitor.delay.expectedMilliseconds).toBeGreaterThan(1400);
    clock.advance(1000);
    expect(monitor.delay).toEqual({ expectedMilliseconds: 0, maxMilliseconds: 0 });
  });

  it('ends', () => {
    const { clock, monitor } = setUp();
    monitor.stop();
    expect(clock.delays).toEqual([]);
  });
});
