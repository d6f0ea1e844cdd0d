import type { KubernetesObject } from '../../../src/api/object-meta.ts';
import type { JsonObject } from '../../../src/json/json-value.ts';
import type { Recorded, RequestSpec } from '../chain/scenario.ts';

/** A cluster in which only some plug-ins run, and requests made to it. Data, played by the recorder and by the replay. */
export interface PluginWorld {
  /** Also the name of its recording. */
  readonly name: string;
  /** The plug-ins that run; no others do. */
  readonly plugins: readonly string[];
  /**
   * Objects that are there before, in the order in which they are made: what the replay has for the cluster's state. A
   * Namespace with the phase Terminating is deleted after it was made, and stays so, for nobody finalizes it.
   */
  readonly cluster: readonly KubernetesObject[];
  /**
   * Dry runs, unless they say otherwise, so that none of them changes what the others meet. `existing` is made before all
   * of them.
   */
  readonly requests: readonly RequestSpec[];
  /**
   * What a MutatingAdmissionPolicy does to every Pod after the plug-ins, and again when they have changed it once more: sets
   * the member at `path`, a JSON pointer. The policy is named {@link laterPolicyName}. Default: there is none.
   */
  readonly later?: { readonly path: string; readonly value: string };
  /** Of kube-controller-manager, which then has counted the quotas of the cluster before the requests. Default: none. */
  readonly controllers?: readonly string[];
}

export const laterPolicyName = 'later.plugins.sallyport.dev';

export interface PlayedRequest {
  readonly name: string;
  /** The stored object when the request came. */
  readonly before?: JsonObject;
  readonly recorded: Recorded;
}

export interface PluginRecording {
  readonly kubernetesVersion: string;
  readonly requests: readonly PlayedRequest[];
}

/** The request as it is made, dry or not. */
export function played(request: RequestSpec): RequestSpec {
  return { ...request, dryRun: request.dryRun ?? true };
}
