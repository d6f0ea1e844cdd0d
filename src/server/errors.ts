import { SallyportError } from '../errors.ts';

/** The server could not listen on its address. */
export class ListenError extends SallyportError {
  readonly code = 'SALLYPORT_LISTEN';
  readonly host: string | undefined;
  readonly port: number;
  /** The system's own code, such as `EADDRINUSE`. */
  readonly systemCode: string | undefined;

  constructor(host: string | undefined, port: number, cause: NodeJS.ErrnoException) {
    const hint = hints.get(cause.code ?? '');
    super(
      `cannot listen on ${host ?? '*'}:${port}: ${cause.code ?? cause.message}${hint === undefined ? '' : `, ${hint}`}`,
      {
        cause,
      },
    );
    this.host = host;
    this.port = port;
    this.systemCode = cause.code;
  }
}

const hints: ReadonlyMap<string, string> = new Map([
  ['EADDRINUSE', 'another process listens there'],
  ['EACCES', 'this user may not; ports below 1024 are often reserved'],
  ['EADDRNOTAVAIL', 'this machine has no such address'],
  ['ENOTFOUND', 'the host name is unknown'],
]);

/** An option of the server that cannot work. `option` is its path: `limits.maxBodyBytes`. */
export class InvalidServerOptionsError extends SallyportError {
  readonly code = 'SALLYPORT_INVALID_SERVER_OPTIONS';
  readonly option: string;

  constructor(option: string, problem: string, options?: ErrorOptions) {
    super(`${option}: ${problem}`, options);
    this.option = option;
  }
}
