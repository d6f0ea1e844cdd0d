import { SallyportError } from '../../errors.ts';

/** The programs of a control plane are not on this machine, or cannot be found. The message says how to get them. */
export class ControlPlaneBinariesError extends SallyportError {
  override readonly code = 'SALLYPORT_CONTROL_PLANE_BINARIES';
  /** The folder that was looked into; undefined when no folder could be named. */
  readonly directory: string | undefined;
  readonly missing: readonly string[];

  constructor(message: string, facts: { readonly directory?: string; readonly missing: readonly string[] }) {
    super(message);
    this.directory = facts.directory;
    this.missing = facts.missing;
  }
}

/** A program of a control plane did not come up, or left when it should not have. */
export class ControlPlaneStartError extends SallyportError {
  override readonly code = 'SALLYPORT_CONTROL_PLANE_START';
  /** Name of the program: `kube-apiserver`, `etcd`, … */
  readonly program: string;
  /** The last lines that the program wrote. */
  readonly lastLogLines: readonly string[];

  constructor(program: string, reason: string, lastLogLines: readonly string[], options?: ErrorOptions) {
    const log = lastLogLines.length === 0 ? 'it wrote nothing' : `its last lines:\n  ${lastLogLines.join('\n  ')}`;
    super(`${program} ${reason}; ${log}`, options);
    this.program = program;
    this.lastLogLines = lastLogLines;
  }
}
