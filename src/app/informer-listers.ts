import type { ListerSource, ObjectLister, WebhookRegistry } from '../admission/index.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import { parseResourceName } from '../api/resource-name.ts';
import { Informer, type KubeClient } from '../kube/index.ts';
import type { Clock, Logger } from '../telemetry/index.ts';

export interface InformerListersOptions {
  readonly client: KubeClient;
  readonly registry: WebhookRegistry;
  readonly log: Logger;
  readonly clock: Clock;
}

/** One watched cache for each resource that a webhook declares in `reads`. */
export class InformerListers {
  readonly #informers = new Map<string, Informer<KubernetesObject>>();

  constructor({ client, registry, log, clock }: InformerListersOptions) {
    const names = new Set([...registry].flatMap(({ reads }) => reads));
    for (const name of names) {
      const parsed = parseResourceName(name);
      // Never so: definitions were checked when they were made.
      if ('problem' in parsed || parsed.version === undefined) continue;
      const { group, version, resource } = parsed;
      this.#informers.set(name, new Informer({ client, collection: { group, version, resource }, logger: log, clock }));
    }
  }

  start(): void {
    for (const informer of this.#informers.values()) informer.start();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.stop()));
  }

  /** The resources whose cache is not filled yet. Handlers that ask for them are answered by a fault. */
  unsynced(): string[] {
    return [...this.#informers].filter(([, informer]) => !informer.hasSynced).map(([name]) => name);
  }

  readonly source: ListerSource = (name): ObjectLister<unknown> | undefined => {
    const informer = this.#informers.get(name);
    return informer?.hasSynced === true ? informer.lister : undefined;
  };
}
