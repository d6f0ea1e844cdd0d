import { dns1123SubdomainProblems, qualifiedNameProblems } from '../../../api/names.ts';
import type { ObjectMeta } from '../../../api/object-meta.ts';
import { forbidden, invalid, required, tooLong, type FieldError } from './field-error.ts';
import { validateLabels } from './selectors.ts';

/**
 * Metadata of a cluster-scoped object whose name is a DNS subdomain. A name that is still to be generated is only known
 * by its beginning.
 *
 * Not copied: ownerReferences, finalizers, managedFields.
 *
 * Source: k8s.io/apimachinery v0.37.2 pkg/api/validation/objectmeta.go, ValidateObjectMeta.
 */
export function validateMetadata(metadata: ObjectMeta): FieldError[] {
  const { name = '', generateName = '', namespace = '', labels = {}, annotations = {} } = metadata;
  const errors: FieldError[] = [];
  if (generateName !== '') {
    // A dash at the end is fine, since a name will follow it.
    const problems = dns1123SubdomainProblems(generateName.replace(/^(.+)-$/, '$1a'));
    errors.push(...problems.map((problem) => invalid('metadata.generateName', generateName, problem)));
  }
  if (name === '') {
    if (generateName === '') errors.push(required('metadata.name', 'name or generateName is required'));
  } else {
    errors.push(...dns1123SubdomainProblems(name).map((problem) => invalid('metadata.name', name, problem)));
  }
  if (namespace !== '') errors.push(forbidden('metadata.namespace', 'not allowed on this type'));
  return [...errors, ...validateLabels(labels, 'metadata.labels'), ...validateAnnotations(annotations)];
}

/** Source: as above, TotalAnnotationSizeLimitB. */
const annotationBytes = 256 * 1024;

function validateAnnotations(annotations: { readonly [key: string]: string }): FieldError[] {
  const field = 'metadata.annotations';
  const errors = Object.keys(annotations).flatMap((key) =>
    qualifiedNameProblems(key.toLowerCase()).map((problem) => invalid(field, key, problem)),
  );
  const bytes = Object.entries(annotations)
    .flat()
    .reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return bytes > annotationBytes ? [...errors, tooLong(field, annotationBytes)] : errors;
}
