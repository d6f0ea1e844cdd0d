import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { systemClock } from './clock.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Longer than a timer of Node can be, which would end at once. */
const thirtyDays = 30 * 24 * 3600 * 1000;

it('waits for months too', () => {
  const callback = vi.fn();
  systemClock.after(thirtyDays, callback);
  vi.advanceTimersByTime(thirtyDays - 1);
  expect(callback).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(callback).toHaveBeenCalledOnce();
});

it('can be cancelled at any time', () => {
  const callback = vi.fn();
  const cancel = systemClock.after(thirtyDays, callback);
  vi.advanceTimersByTime(thirtyDays - 1);
  cancel();
  vi.advanceTimersByTime(thirtyDays);
  expect(callback).not.toHaveBeenCalled();
});
