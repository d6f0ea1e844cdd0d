import { quote } from '../../api/go-quote.ts';
import type { Status } from '../../api/status.ts';

/**
 * The Status a client gets when a webhook said no: what the webhook put into `response.status`, made to look like a
 * refusal. Without a code of at least 400 it is 400.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/plugin/webhook/errors/statuserror.go, ToStatusErr.
 */
export function rejectionStatus(webhookName: string, result: Status | undefined): Status {
  const { metadata = {}, status = '', message = '', reason = '', details, code = 0 } = result ?? {};
  const deniedBy = `admission webhook ${quote(webhookName)} denied the request`;
  const explanation = message || reason;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata,
    status: status === '' || status === 'Success' ? 'Failure' : status,
    message: explanation === '' ? `${deniedBy} without explanation` : `${deniedBy}: ${explanation}`,
    ...(reason === '' ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code: code < 400 ? 400 : code,
  };
}
