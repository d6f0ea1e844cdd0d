/** What every command ends with: done, something was refused, or wrong use or a fault. */
export const exitCode = { done: 0, refused: 1, fault: 2 } as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
