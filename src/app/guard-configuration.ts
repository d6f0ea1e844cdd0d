import { z } from 'zod';

/** The `guard` section of a GateConfiguration: the deletion guard is on when it is there. */
export const guardSchema = z.strictObject({
  /** A folder of DeletionGuards in YAML, instead of those in the cluster. */
  folder: z.string().optional(),
  /**
   * User name under which the gate writes to Pods. Default: its service account, or, where registration is by `url`, whom the
   * API server takes it for.
   */
  user: z.string().min(1).optional(),
  /** A replica that is not heard of for this long is taken for dead, and its clean-ups are driven by others. */
  leaseSeconds: z.int().min(2).max(300).default(15),
  /** A Pod of which the state cannot be read or written for this long is let go. */
  failOpenAfterSeconds: z.int().min(1).default(600),
});

export type GuardConfiguration = z.output<typeof guardSchema>;
