import { SallyportError } from '../errors.ts';

/** A file of the webhooks folder that does not load or exports no webhook. `line` is 0 when it cannot be told. */
export class WebhookFileError extends SallyportError {
  readonly code = 'SALLYPORT_WEBHOOK_FILE';
  readonly file: string;
  readonly line: number;

  constructor(file: string, line: number, problem: string, options?: ErrorOptions) {
    super(`${file}${line > 0 ? `:${line}` : ''}: ${problem}`, options);
    this.file = file;
    this.line = line;
  }
}
