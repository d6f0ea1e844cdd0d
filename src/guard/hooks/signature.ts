import { createHmac } from 'node:crypto';

/**
 * The headers of Standard Webhooks, which libraries for most languages verify.
 *
 * `id` differs for each action, so that nobody can make an `undo` of a recorded `start`. A secret that begins with
 * `whsec_` is taken as base64, any other as it is.
 *
 * Source: Standard Webhooks 1.0.0, sections "Webhook headers" and "Signature scheme".
 */
export function signatureHeaders(
  secret: string,
  message: { readonly id: string; readonly timestampSeconds: number; readonly body: string },
): { readonly [name: string]: string } {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
  const { id, timestampSeconds, body } = message;
  const signature = createHmac('sha256', key).update(`${id}.${timestampSeconds}.${body}`).digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': `v1,${signature}`,
  };
}
