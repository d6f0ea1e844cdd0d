import type { UserInfo } from '../../../src/api/admission-review.ts';
import type { GroupVersionResource } from '../../../src/api/resource.ts';
import type {
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
} from '../../../src/api/webhook-configuration.ts';
import type { JsonObject } from '../../../src/json/json-value.ts';
import type { Behaviour } from './behaviour.ts';

/**
 * Webhooks, and requests that are made while they are registered. What is in a world is data, played by the recorder
 * against a real API server and by the replay against the engine.
 */
export interface World {
  /** Unique; also the prefix of the names of its objects. */
  readonly name: string;
  /** The rule of the rule book that it is about. */
  readonly about: string;
  /** An empty `clientConfig` is filled in, by the name of the webhook; in others `$PORT` and the like are. */
  readonly mutating?: readonly MutatingWebhookConfiguration[];
  readonly validating?: readonly ValidatingWebhookConfiguration[];
  /** By the name of the webhook. */
  readonly behaviours: { readonly [webhook: string]: Behaviour };
  readonly requests: readonly RequestSpec[];
  /** The network is part of what is tried: the replay uses the HTTPS client on a real server. */
  readonly overNetwork?: boolean;
}

export type Verb = 'create' | 'update' | 'patch' | 'apply' | 'delete' | 'deletecollection' | 'connect';

/** One request of a client. */
export interface RequestSpec {
  /** Unique in its world. */
  readonly name: string;
  readonly verb: Verb;
  readonly resource: GroupVersionResource;
  readonly subresource?: string;
  readonly namespace?: string;
  /** In the URL; absent for create and deletecollection. */
  readonly objectName?: string;
  /** The object, the merge patch, or the options. */
  readonly body?: JsonObject;
  /** Made before the webhooks are registered. */
  readonly existing?: JsonObject;
  readonly dryRun?: boolean;
  /** Default: {@link defaultUser}. */
  readonly user?: UserInfo;
  /** Query parameters besides dryRun. */
  readonly query?: { readonly [name: string]: string };
}

/** Allowed to do everything by its group; impersonated by the recorder. */
export const defaultUser: UserInfo = { username: 'alice', groups: ['system:masters', 'system:authenticated'] };

/** What a client, the webhooks and the audit log saw of one request. */
export interface Recorded {
  readonly allowed: boolean;
  /** The Status in the answer, when not allowed. */
  readonly status?: JsonObject;
  readonly warnings: readonly string[];
  /** What the answer to a successful write holds. */
  readonly object?: JsonObject;
  /** Calls in the order of the webhooks; those of mutating ones first, in the order they came. */
  readonly calls: readonly RecordedCall[];
  readonly auditAnnotations: { readonly [key: string]: string };
}

export interface RecordedCall {
  readonly webhook: string;
  readonly review: JsonObject;
  /** What the request looked like; only kept of worlds over the network. */
  readonly http?: JsonObject;
}

/** What the replay needs to know of the cluster besides the world. */
export interface RecordedRequest {
  readonly name: string;
  /** The stored object when the request came. */
  readonly before?: JsonObject;
  readonly recorded: Recorded;
}

export interface Recording {
  readonly kubernetesVersion: string;
  readonly worlds: readonly { readonly world: string; readonly requests: readonly RecordedRequest[] }[];
}

/** Whether the answer to a request holds an object that was stored; what is answered at once, or only opened, is none. */
export function storesObject({ verb, resource, subresource = '' }: RequestSpec): boolean {
  if (verb === 'delete' || verb === 'deletecollection' || verb === 'connect') return false;
  const isAnsweredAtOnce = resource.group === 'authentication.k8s.io' || resource.group === 'authorization.k8s.io';
  return !isAnsweredAtOnce && ['', 'status', 'scale'].includes(subresource);
}
