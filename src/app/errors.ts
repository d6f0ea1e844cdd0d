import { SallyportError } from '../errors.ts';

/** A GateConfiguration, or another file of ours, that says what is not understood. */
export class InvalidConfigurationError extends SallyportError {
  readonly code = 'SALLYPORT_INVALID_CONFIGURATION';
}

/** The thread that runs users' webhooks could not load them, or ended. */
export class WebhookThreadError extends SallyportError {
  readonly code = 'SALLYPORT_WEBHOOK_THREAD';
}
