/** Lowest level of the audit policy at which an annotation is written. */
export type AuditLevel = 'Metadata' | 'Request' | 'RequestResponse';

/** Where plug-ins put what the audit event of the request shall carry. */
export interface AuditAnnotations {
  /** Returns why the annotation was refused, undefined when it was taken. The request goes on either way. */
  add(key: string, value: string, level?: AuditLevel): string | undefined;
}
