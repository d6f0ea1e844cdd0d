// Preloaded into a process: its wall clock is SALLYPORT_TEST_CLOCK_SHIFT milliseconds off, until SIGUSR2 sets it right.
let shift = Number(process.env['SALLYPORT_TEST_CLOCK_SHIFT']);
const SystemDate = Date;
const now = (): number => SystemDate.now() + shift;

class ShiftedDate extends SystemDate {
  constructor(...given: [] | [number | string | Date]) {
    super(given.length === 0 ? now() : given[0]);
  }
  static override now(): number {
    return now();
  }
}
// What it lacks, to be called without `new`, nobody uses.
globalThis.Date = ShiftedDate as DateConstructor;
process.on('SIGUSR2', () => {
  shift = 0;
});
