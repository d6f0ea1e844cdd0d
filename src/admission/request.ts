import type { Operation, UserInfo } from '../api/admission-review.ts';
import type { GroupVersionKind, GroupVersionResource } from '../api/resource.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ListerOf } from './lister.ts';

/** What every request says, whatever its operation. */
interface RequestFacts {
  /** Names this call; a retry of the API server may carry the same one. */
  readonly uid: string;
  /** The kind of `object`, converted to the version that the webhook's rules name. */
  readonly kind: GroupVersionKind;
  readonly resource: GroupVersionResource;
  /** `"status"`, `"scale"`, `"eviction"`, …; empty for the resource itself. */
  readonly subResource: string;
  /** What the client asked for, before conversion under `matchPolicy: Equivalent`. */
  readonly requestKind: GroupVersionKind;
  readonly requestResource: GroupVersionResource;
  readonly requestSubResource: string;
  /** Empty on a CREATE with `generateName`, and on each object of a collection that is deleted. */
  readonly name: string;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  readonly userInfo: UserInfo;
  readonly dryRun: boolean;
  /** CreateOptions, UpdateOptions or DeleteOptions; null for CONNECT. */
  readonly options: unknown;
}

/**
 * One admission request. `object` is typed by the resource that the webhook asked for, and null on DELETE; `oldObject`
 * is there on UPDATE and DELETE. Test `operation` and the compiler knows which of them is there.
 *
 * In a mutating webhook `object` is a draft: edit it in place, or return a new object. It behaves as a copy of one's own
 * would, but is a `Proxy`, which `structuredClone` and `postMessage` refuse: hand them `clone(object)` of `sallyport/json`.
 */
export type AdmissionRequest<T = unknown, Op extends Operation = Operation> = Op extends Operation
  ? RequestFacts & {
      readonly operation: Op;
      readonly object: Op extends 'DELETE' ? null : T;
      readonly oldObject: Op extends 'UPDATE' | 'DELETE' ? T : null;
    }
  : never;

/** What a handler gets beside the request. */
export interface HandlerContext {
  /** Aborts shortly before the API server stops waiting. Hand it on to everything that takes time. */
  readonly signal: AbortSignal;
  /** Lines carry the webhook's name and the request's uid. Log no object content. */
  readonly log: Logger;
  /** Cached objects of a resource that the webhook declared in `reads`. */
  readonly lister: ListerOf;
}
