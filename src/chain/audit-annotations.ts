import { quote } from '../api/go-quote.ts';
import { qualifiedNameProblems } from '../api/names.ts';

/** Lowest level of the audit policy at which an annotation is written. */
export type AuditLevel = 'Metadata' | 'Request' | 'RequestResponse';

export interface AuditAnnotation {
  readonly value: string;
  readonly level: AuditLevel;
}

/**
 * What the audit event of one request shall carry.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/attributes.go, AddAnnotationWithLevel.
 */
export class AuditAnnotations {
  readonly #annotations = new Map<string, AuditAnnotation>();

  /**
   * Adds one, unless its key is not of the form `prefix/name` or already has another value: the first one stays. Returns
   * why it was refused, undefined when it was not. The request goes on either way.
   */
  add(key: string, value: string, level: AuditLevel = 'Metadata'): string | undefined {
    const problem = keyProblem(key);
    if (problem !== undefined) return problem;
    const known = this.#annotations.get(key);
    if (known !== undefined && (known.value !== value || known.level !== level)) {
      return `admission annotations are not allowd to be overwritten, key:${quote(key)}`;
    }
    this.#annotations.set(key, { value, level });
    return undefined;
  }

  /** Forgets all: they are written when a walk ends, and a panic leaves it without an end. */
  discard(): void {
    this.#annotations.clear();
  }

  /** By key, in the order they came. */
  get entries(): { readonly [key: string]: AuditAnnotation } {
    return Object.fromEntries(this.#annotations);
  }
}

/** Source: pkg/admission/attributes.go, checkKeyFormat. */
function keyProblem(key: string): string | undefined {
  if (key.split('/').length !== 2) {
    return "annotation key has invalid format, the right format is a DNS subdomain prefix and '/' and key name. (e.g. 'podsecuritypolicy.admission.k8s.io/admit-policy')";
  }
  const problems = qualifiedNameProblems(key);
  if (problems.length === 0) return undefined;
  return `annotation key has invalid format ${problems.join(',')}. A qualified name like 'podsecuritypolicy.admission.k8s.io/admit-policy' is required.`;
}
