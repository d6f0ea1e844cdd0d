import type { KubernetesObject } from '../api/object-meta.ts';
import type { GroupVersionResource } from '../api/resource.ts';

/**
 * Objects of our own kinds, wherever they are kept: a folder of YAML or the cluster.
 *
 * Whatever is wrong with one object or file is said and leaves the others alone; what was good before stays in force
 * until it is good again or removed. The set changes as a whole.
 */
export interface ObjectSource<T> {
  /** Undefined until the first look. */
  readonly current: ObjectSet<T> | undefined;
  /** When the folder was last read or the API server last answered; milliseconds since the epoch. */
  readonly lastContact: number | undefined;
  /** Begins to look and to watch; returns at once and never throws. */
  start(): void;
  /** No listener is called any more. It cannot be started again. */
  stop(): Promise<void>;
  /** Resolved when {@link ObjectSource.current} is there, good or not. Rejects with the signal's reason. */
  waitForSync(signal?: AbortSignal): Promise<void>;
  /** Calls `listener` with each new set, and at once with the current one. Returns how to end that. */
  subscribe(listener: (set: ObjectSet<T>) => void): () => void;
}

export interface ObjectSet<T> {
  readonly objects: readonly SourcedObject<T>[];
  readonly problems: readonly SourceProblem[];
}

export interface SourcedObject<T> {
  readonly object: T;
  /** For messages: `policies/images.yaml:3`, or `Policy shop/images` in the cluster. */
  readonly origin: string;
}

export interface SourceProblem {
  /** As {@link SourcedObject.origin}; the line is that of the field. */
  readonly origin: string;
  /** What is wrong, and with which field: `spec.registry: expected a host name`. */
  readonly message: string;
  /** Whether what was good before is still in force. */
  readonly keepsFormer: boolean;
}

/** One kind that a source takes, and how it is checked. */
export interface ObjectKind<T> extends GroupVersionResource {
  readonly kind: string;
  readonly parse: (object: KubernetesObject) => ParsedObject<T>;
}

/** The object as we use it, or what is wrong with it; field paths as zod gives them. */
export type ParsedObject<T> = { readonly object: T } | { readonly problems: readonly FieldProblem[] };

export interface FieldProblem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Runs the kind's parser. One that throws has found a problem too. */
export function parseObject<T>(kind: ObjectKind<T>, object: KubernetesObject): ParsedObject<T> {
  try {
    return kind.parse(object);
  } catch (error) {
    return { problems: [{ path: [], message: error instanceof Error ? error.message : String(error) }] };
  }
}

/** `spec.rules[0].host: expected a host name`. */
export function describeFieldProblem({ path, message }: FieldProblem): string {
  const field = path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? String(step) : `${text}.${String(step)}`;
  }, '');
  return field === '' ? message : `${field}: ${message}`;
}
