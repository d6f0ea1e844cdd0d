import type { ValidatingWebhook } from '../../api/webhook-configuration.ts';
import { readExactJson } from '../../json/read-json.ts';
import { patchText, type Patch } from '../json-patch/patch.ts';
import type { WebhookCall } from '../step.ts';
import type { CallRecord } from './call.ts';

/** A call as the trace shows it. */
export function traceCall(
  { request, response, outcome }: CallRecord,
  { failurePolicy = 'Fail' }: ValidatingWebhook,
  patch?: Patch,
  changed = false,
): WebhookCall {
  return {
    ...(request === undefined ? {} : { request }),
    ...(response === undefined ? {} : { response }),
    ...(patch === undefined ? {} : { patch: readExactJson(patchText(patch)) }),
    result: toResult(outcome, failurePolicy, changed),
  };
}

function toResult(
  outcome: CallRecord['outcome'],
  failurePolicy: 'Fail' | 'Ignore',
  changed: boolean,
): WebhookCall['result'] {
  switch (outcome.kind) {
    case 'allowed':
      return { kind: 'allowed', changed };
    case 'rejected':
    case 'serverError':
      return { kind: outcome.kind, status: outcome.status };
    case 'callError':
      return { kind: 'callError', message: outcome.message, failurePolicy };
  }
}
