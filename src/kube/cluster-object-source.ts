import type { KubernetesObject } from '../api/object-meta.ts';
import { formatGroupResource } from '../api/resource.ts';
import { type Clock, systemClock } from '../telemetry/clock.ts';
import { type Logger, silentLogger } from '../telemetry/logger.ts';
import type { KubeClient } from './client.ts';
import { Informer } from './informer.ts';
import { LastGoodSet } from './last-good-set.ts';
import {
  describeFieldProblem,
  type ObjectKind,
  type ObjectSet,
  type ObjectSource,
  parseObject,
} from './object-source.ts';

export interface ClusterObjectSourceOptions<T> {
  readonly client: KubeClient;
  readonly kinds: readonly ObjectKind<T>[];
  /** Default: all namespaces. */
  readonly namespace?: string | undefined;
  readonly clock?: Clock | undefined;
  /** Default: silent. */
  readonly logger?: Logger | undefined;
}

/**
 * Objects from the cluster, watched. The unit is the object: while a change to one cannot be used, its former state
 * stays in force; after a restart, of course, nothing is known of that.
 */
export function clusterObjectSource<T>(options: ClusterObjectSourceOptions<T>): ObjectSource<T> {
  const { client, kinds, namespace, clock = systemClock, logger = silentLogger } = options;
  const set = new LastGoodSet<T>(logger);
  const informers = kinds.map((kind) => {
    const { group, version, resource } = kind;
    const collection = { group, version, resource, namespace };
    const informer = new Informer<KubernetesObject>({ client, collection, clock, logger });
    return { kind, informer };
  });
  let isPublishing = false;
  let state: 'new' | 'running' | 'stopped' = 'new';

  const isSynced = () => informers.every(({ informer }) => informer.hasSynced);
  /** A list is told as many single changes; together they make one set. */
  const publishSoon = (): void => {
    if (isPublishing) return;
    isPublishing = true;
    queueMicrotask(() => {
      isPublishing = false;
      if (state === 'running' && isSynced()) set.publish();
    });
  };

  return {
    get current(): ObjectSet<T> | undefined {
      return set.current;
    },
    /** Of several kinds the one that was heard of the longest ago. */
    get lastContact(): number | undefined {
      const contacts = informers.map(({ informer }) => informer.lastContact);
      const known = contacts.filter((contact) => contact !== undefined);
      return known.length === contacts.length ? Math.min(...known) : undefined;
    },
    start() {
      if (state !== 'new') return;
      state = 'running';
      for (const { kind, informer } of informers) {
        const put = (object: KubernetesObject): void => {
          const origin = originOf(kind, object);
          const parsed = parseObject(kind, object);
          set.put(
            unitOf(kind, object),
            'object' in parsed
              ? { kind: 'good', objects: [{ object: parsed.object, origin }] }
              : {
                  kind: 'bad',
                  problems: parsed.problems.map((problem) => ({ origin, message: describeFieldProblem(problem) })),
                },
          );
          publishSoon();
        };
        informer.addHandler({
          add: put,
          update: (_before, after) => put(after),
          delete: (object) => {
            set.remove(unitOf(kind, object));
            publishSoon();
          },
        });
        informer.start();
        // An empty collection makes no event.
        void informer.waitForSync().then(() => {
          if (set.current === undefined) publishSoon();
        });
      }
    },
    async stop() {
      state = 'stopped';
      set.clearListeners();
      await Promise.all(informers.map(({ informer }) => informer.stop()));
    },
    waitForSync: (signal) => set.waitForFirst(signal),
    subscribe: (listener) => set.subscribe(listener),
  };
}

function originOf<T>({ kind }: ObjectKind<T>, { metadata }: KubernetesObject): string {
  const name = metadata?.name ?? '';
  return metadata?.namespace === undefined ? `${kind} ${name}` : `${kind} ${metadata.namespace}/${name}`;
}

/** Kinds of two groups may have one name. */
function unitOf<T>(kind: ObjectKind<T>, object: KubernetesObject): string {
  return `${formatGroupResource(kind)} ${originOf(kind, object)}`;
}
