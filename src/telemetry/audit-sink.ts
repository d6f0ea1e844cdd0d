/**
 * Takes what was decided, a line at a time: a file, standard output, or a module of yours.
 *
 *     export const auditSink: AuditSink = {
 *       write: (line) => queue.push(line),
 *       close: () => queue.drained(),
 *     };
 */
export interface AuditSink {
  /**
   * One decision as JSON, without a line break. Called for each request before the next one is looked at: it must return at
   * once, whatever the disk or the network does, and keep what waits within bounds.
   */
  write(line: string): void;
  /** Writes what still waits. Called once, after the last request; what takes longer than a few seconds is given up. */
  close(): Promise<void>;
}
