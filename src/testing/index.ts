export * from './control-plane/index.ts';
export * from './fake-kubelet/index.ts';
export { admit, WebhookFault, type AdmitOptions, type AdmitResult } from './admit.ts';
export {
  AdmissionSuiteError,
  readAdmissionSuite,
  type AdmissionCase,
  type AdmissionCaseResult,
  type AdmissionSuiteOptions,
} from './admission-suite.ts';
export { buildRequest, type ReviewOptions } from './review-builder.ts';
