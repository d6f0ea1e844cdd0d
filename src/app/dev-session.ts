import { WebhookRegistry, type WebhookSelection } from '../admission/index.ts';
import type { ManifestFile, ManifestProblem } from '../api/manifest.ts';
import { SelfSignedSource } from '../certs/index.ts';
import { HttpsWebhookClient, pluginOrder } from '../chain/index.ts';
import type { WebhookConfiguration } from '../api/webhook-configuration.ts';
import { buildConfigurations, checkMatchConditions, defaultExcludedNamespaces } from '../registrar/index.ts';
import { AdmissionServer } from '../server/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { readManifestFiles } from '../sources/manifest-files.ts';
import { OfflineReview, type ReviewedManifest } from '../review/offline-review.ts';
import { WebhookThread } from './webhook-thread.ts';

export interface DevSessionOptions {
  /** Files or folders of webhooks. */
  readonly webhooks: readonly string[];
  readonly selection: WebhookSelection;
  /** Files or folders of manifests, or `-`. */
  readonly manifests: readonly string[];
  /** Loopback address. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly log: Logger;
  /** A kubeconfig: the handlers' listers read from its cluster. Default: what was reviewed and let in. */
  readonly kubeconfig?: string | undefined;
}

export interface DevReview {
  readonly reviews: readonly ReviewedManifest[];
  readonly problems: readonly ManifestProblem[];
}

/**
 * The gate on loopback, for people at work on webhooks: certificates in memory, users' files in a thread that is replaced
 * when they change, and manifests sent through its own HTTPS port.
 *
 * The port stays the same over reloads. While the files do not load, the webhooks that loaded last go on answering.
 */
export class DevSession {
  readonly #options: DevSessionOptions;
  readonly #certificates: SelfSignedSource;
  #server: AdmissionServer | undefined;
  #thread: WebhookThread | undefined;
  #registry = new WebhookRegistry();
  #standardInput: Promise<ManifestFile> | undefined;
  #port = 0;

  constructor(options: DevSessionOptions) {
    this.#options = options;
    this.#certificates = new SelfSignedSource({ hosts: [options.host], logger: options.log });
  }

  /** Loads the webhooks and begins to serve. Throws {@link WebhookThreadError} when a file does not load. */
  async start(): Promise<void> {
    const { host, port, log } = this.#options;
    await this.#load();
    await this.#certificates.start();
    this.#server = new AdmissionServer({
      registry: this.#registry,
      certificates: this.#certificates,
      host,
      port,
      logger: log,
      answer: (webhook, body, { signal }) => this.#currentThread().answer(webhook, body, signal),
      // Nobody routes to it but us: there is nothing to wait for.
      shutdown: { quietPeriodMilliseconds: 0, hardDeadlineMilliseconds: 2000 },
    });
    this.#port = (await this.#server.start()).port;
  }

  /** `https://host:port`. */
  get url(): string {
    return `https://${this.#options.host.includes(':') ? `[${this.#options.host}]` : this.#options.host}:${this.#port}`;
  }

  /** The webhooks that are served now. */
  get registry(): WebhookRegistry {
    return this.#registry;
  }

  get certificates(): SelfSignedSource {
    return this.#certificates;
  }

  /** Loads the webhooks again, from a new thread. Throws as {@link start} does, with the old ones still serving. */
  async reload(): Promise<void> {
    await this.#load();
    this.#server?.setRegistry(this.#registry);
  }

  /**
   * Reads the manifests and creates each in order, by the API server's chain with the webhooks as its only plug-ins, which
   * it calls through our own port. What was let in is what the handlers' listers find from then on.
   */
  async review(): Promise<DevReview> {
    const { manifests, problems } = await this.#readManifests();
    const thread = this.#currentThread();
    thread.forget();
    const client = new HttpsWebhookClient();
    try {
      const review = await OfflineReview.open(
        {
          registry: new WebhookRegistry(),
          configurations: this.#configurations(),
          state: undefined,
          plugins: { disable: otherPlugins },
          elsewhere: () => Promise.resolve(client),
          log: this.#options.log,
        },
        manifests,
      );
      const reviews: ReviewedManifest[] = [];
      for (const manifest of manifests) {
        const reviewed = await review.review(manifest);
        if (reviewed.outcome.allowed) thread.store(reviewed.outcome.object ?? manifest.object);
        reviews.push(reviewed);
      }
      return { reviews, problems };
    } finally {
      await client.close();
    }
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    await this.#certificates.stop();
    await this.#thread?.stop();
  }

  async #load(): Promise<void> {
    const { webhooks, selection, log, kubeconfig } = this.#options;
    const onEnd = (code: number): void =>
      log.error('the thread of the webhooks ended; change a file to load them again', { code });
    const thread = await WebhookThread.start({ paths: webhooks, selection, kubeconfig, quotes: 'objects' }, log, onEnd);
    const registry = new WebhookRegistry(thread.definitions);
    try {
      await checkMatchConditions(registry);
    } catch (error) {
      await thread.stop();
      throw error;
    }
    const former = this.#thread;
    this.#thread = thread;
    this.#registry = registry;
    await former?.stop();
  }

  /** Standard input can be read once only; what it said stays what it said. */
  async #readManifests(): Promise<ManifestFile> {
    const read = await Promise.all(
      this.#options.manifests.map((path) =>
        path === '-' ? (this.#standardInput ??= readManifestFiles([path])) : readManifestFiles([path]),
      ),
    );
    return {
      manifests: read.flatMap(({ manifests }) => manifests),
      problems: read.flatMap(({ problems }) => problems),
    };
  }

  #currentThread(): WebhookThread {
    if (this.#thread === undefined) throw new Error('the session was not started');
    return this.#thread;
  }

  #configurations(): WebhookConfiguration[] {
    return buildConfigurations(this.#registry, {
      name: 'sallyport-dev',
      address: { url: this.url },
      caBundle: this.#certificates.caBundle(),
      excludedNamespaces: defaultExcludedNamespaces(undefined),
      labels: {},
    });
  }
}

/** Everything but the webhooks themselves: who is at work on those wants to see what they do. */
const otherPlugins = pluginOrder
  .filter(({ name, defaultEnabled }) => defaultEnabled && !name.endsWith('AdmissionWebhook'))
  .map(({ name }) => name);
