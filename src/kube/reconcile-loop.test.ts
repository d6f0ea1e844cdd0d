import { describe, expect, it } from 'vitest';
import { ReconcileLoop } from './reconcile-loop.ts';
import { FakeClock } from '../../test/fake-clock.ts';

const interval = 60_000;

/** A loop whose passes end when the test says so. */
function loopWithGates() {
  const clock = new FakeClock();
  const gates: PromiseWithResolvers<void>[] = [];
  const failures: unknown[] = [];
  let running = 0;
  let mostAtOnce = 0;
  const loop = new ReconcileLoop({
    clock,
    intervalMilliseconds: interval,
    reconcile: async () => {
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      mostAtOnce = Math.max(mostAtOnce, ++running);
      await gate.promise.finally(() => (running -= 1));
    },
    onFailure: (error) => failures.push(error),
    isHopeless: (error) => error instanceof RangeError,
  });
  return { clock, gates, failures, loop, mostAtOnce: () => mostAtOnce };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('ReconcileLoop', () => {
  it('passes again after the interval, and not before', async () => {
    const { clock, gates, loop } = loopWithGates();
    const started = loop.start();
    await settle();
    gates[0]?.resolve();
    await started;
    clock.advance(interval - 1);
    await settle();
    expect(gates).toHaveLength(1);
    clock.advance(1);
    await settle();
    expect(gates).toHaveLength(2);
    gates[1]?.resolve();
    await loop.stop();
  });

  it('turns any number of triggers during a pass into one more pass, never two at once', async () => {
    const { gates, loop, mostAtOnce } = loopWithGates();
    loop.trigger();
    await settle();
    for (let i = 0; i < 5; i++) loop.trigger();
    gates[0]?.resolve();
    await settle();
    expect(gates).toHaveLength(2);
    gates[1]?.resolve();
    await settle();
    expect(gates).toHaveLength(2);
    expect(mostAtOnce()).toBe(1);
    await loop.stop();
  });

  it('pass() waits for a pass that began after the call', async () => {
    const { gates, loop } = loopWithGates();
    loop.trigger();
    await settle();
    let isDone = false;
    const asked = loop.pass().then(() => (isDone = true));
    gates[0]?.resolve();
    await settle();
    expect(isDone).toBe(false);
    gates[1]?.resolve();
    await asked;
    await loop.stop();
  });

  it('pass() rejects with the failure, and with the reason of its signal', async () => {
    const { gates, loop } = loopWithGates();
    const failing = loop.pass();
    await settle();
    gates[0]?.reject(new Error('no'));
    await expect(failing).rejects.toThrow('no');
    const abort = new AbortController();
    const aborted = loop.pass(abort.signal);
    abort.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    await settle();
    gates[1]?.resolve();
    await loop.stop();
  });

  it('repeats a failed pass after 1, 2, 4, … seconds, never later than the interval', async () => {
    const { clock, gates, failures, loop } = loopWithGates();
    loop.trigger();
    await settle();
    for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
      gates.at(-1)?.reject(new Error('still no'));
      await settle();
      const before = gates.length;
      clock.advance(seconds * 1000 - 1);
      await settle();
      expect(gates).toHaveLength(before);
      clock.advance(1);
      await settle();
      expect(gates).toHaveLength(before + 1);
    }
    expect(failures).toHaveLength(8);
    gates.at(-1)?.resolve();
    await loop.stop();
  });

  it('start() waits through failures for the first good pass', async () => {
    const { clock, gates, loop } = loopWithGates();
    const started = loop.start();
    await settle();
    gates[0]?.reject(new Error('not yet'));
    await settle();
    clock.advance(1000);
    await settle();
    gates[1]?.resolve();
    await started;
    await loop.stop();
  });

  it('start() ends on a hopeless failure and on an aborted signal, and leaves no timer', async () => {
    const hopeless = loopWithGates();
    const started = hopeless.loop.start();
    await settle();
    hopeless.gates[0]?.reject(new RangeError('never'));
    await expect(started).rejects.toThrow('never');
    hopeless.clock.advance(10 * interval);
    await settle();
    expect(hopeless.gates).toHaveLength(1);

    const aborted = loopWithGates();
    const abort = new AbortController();
    const waiting = aborted.loop.start(abort.signal);
    await settle();
    aborted.gates[0]?.reject(new Error('not yet'));
    abort.abort(new Error('shutting down'));
    await expect(waiting).rejects.toThrow('shutting down');
    await expect(loopWithGates().loop.start(abort.signal)).rejects.toThrow('shutting down');
  });

  it('stop() aborts the pass under way, waits for its end and allows no other', async () => {
    const clock = new FakeClock();
    const ended: string[] = [];
    const loop = new ReconcileLoop({
      clock,
      intervalMilliseconds: interval,
      reconcile: async (signal) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        ended.push('pass');
      },
      onFailure: () => ended.push('failure'),
      isHopeless: () => false,
    });
    loop.trigger();
    await settle();
    await loop.stop();
    expect(ended).toEqual(['pass']);
    loop.trigger();
    await expect(loop.pass()).rejects.toThrow();
    clock.advance(interval);
    await settle();
    expect(ended).toEqual(['pass']);
  });
});
