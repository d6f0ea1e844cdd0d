import { allow, defineValidator, deny } from 'sallyport';

const minimum = 3;

/** Deployments run in at least three replicas, whether they are applied or scaled. */
export const minimumReplicas = defineValidator({
  name: 'minimum-replicas.example.com',
  resource: ['deployments.apps/v1', 'deployments.apps/v1/scale'],
  operations: ['CREATE', 'UPDATE'],
  handler({ object, oldObject, name }) {
    // The API server defaults an absent number to 1.
    const replicas = object.spec?.replicas ?? 1;
    if (replicas >= minimum) return allow();
    // Who was too small before may be changed otherwise: a label set, a finalizer removed.
    if (oldObject !== null && (oldObject.spec?.replicas ?? 1) === replicas) return allow();
    return deny(`replicas must exceed ${minimum - 1}, but ${name === '' ? 'this object' : name} asks for ${replicas}`, {
      causes: [{ field: 'spec.replicas', reason: 'FieldValueInvalid', message: `must be at least ${minimum}` }],
    });
  },
});
