/** A vector speaks of something that CEL in Kubernetes has no word for. */
export class ForeignToKubernetes extends Error {}
