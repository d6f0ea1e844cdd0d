import { allow, defineValidator, deny } from 'sallyport';

const required = ['app.kubernetes.io/name', 'team'];

/** Whoever is called at night must be able to see whose workload it is. */
export const requiredLabels = defineValidator({
  name: 'required-labels.example.com',
  resource: ['deployments.apps/v1', 'statefulsets.apps/v1', 'daemonsets.apps/v1'],
  operations: ['CREATE'],
  handler({ object }) {
    const labels = object.metadata?.labels ?? {};
    const missing = required.filter((key) => (labels[key] ?? '') === '');
    if (missing.length === 0) return allow();
    return deny(`required labels are missing: ${missing.join(', ')}`, {
      causes: missing.map((key) => ({
        field: `metadata.labels["${key}"]`,
        reason: 'FieldValueRequired',
        message: 'is required',
      })),
    });
  },
});
