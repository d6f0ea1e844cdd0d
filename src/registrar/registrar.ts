import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { WebhookRegistry } from '../admission/index.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import type { WebhookClientConfig, WebhookConfiguration } from '../api/webhook-configuration.ts';
import {
  ApiStatusError,
  ChangeListeners,
  Informer,
  isConflict,
  type KubeClient,
  ReconcileLoop,
  wait,
} from '../kube/index.ts';
import type { Clock, Logger } from '../telemetry/index.ts';
import { harmlessUntilInjected, injectionAnnotation } from './ca-injection.ts';
import {
  addressOf,
  configurationKinds,
  deleteConfiguration,
  digestAnnotation,
  getConfiguration,
  isOurs,
  managedByLabel,
  nameLabel,
  startedAnnotation,
  type ConfigurationKind,
} from './configuration-objects.ts';
import { buildConfigurations, type GateAddress } from './configurations.ts';
import { challengeAnnotation, challengeManager, Deferral } from './deferral.ts';
import { covers } from './drift.ts';
import {
  ForeignConfigurationError,
  InvalidRegistrationError,
  RegistrationTimeoutError,
  UnsafeRegistrationError,
} from './errors.ts';
import { findHazards } from './hazards.ts';
import { fieldManager, hasStaleEntries } from './managed-fields.ts';
import { heedRescue, rescuedSince } from './rescue.ts';
import { findStrayConditions, type StrayCondition } from './stray-conditions.ts';
import { findTimeoutHazard } from './timeouts.ts';
import { isUnregistered } from './unregister.ts';

export interface RegistrarOptions {
  readonly client: KubeClient;
  readonly registry: WebhookRegistry;
  /** Name of both configuration objects. */
  readonly name: string;
  readonly address: GateAddress;
  /** Where the gate runs, in a cluster: excluded from the webhooks, and the owner of the configurations. */
  readonly ownNamespace: string | undefined;
  /** See {@link defaultExcludedNamespaces}. */
  readonly excludedNamespaces: readonly string[];
  /** Registers webhooks that could lock the cluster out. */
  readonly force: boolean;
  /** The CA bundle, PEM, asked anew before each write; undefined leaves `caBundle` to somebody else. */
  readonly caBundle: (signal?: AbortSignal) => Promise<string | undefined>;
  /**
   * `namespace/name` of the cert-manager Certificate whose CA its injector is to write into `caBundle`. Until it has, our
   * webhooks are registered with `failurePolicy: Ignore`, since nobody could call them. Undefined: nobody is asked.
   */
  readonly injectCaFrom?: string | undefined;
  readonly log: Logger;
  readonly clock: Clock;
}

/** How registration stands, for health and metrics. */
export interface RegistrationState {
  /** The configurations were seen to be right, at least once. */
  readonly registered: boolean;
  /** Writes that mended what somebody else had changed or removed. */
  readonly repairs: number;
  /** Why the newest attempt failed; undefined after a good one. */
  readonly problem: string | undefined;
  readonly standing: RegistrationStanding;
  /** Since when a person has our webhooks ignored by `rescue`; undefined when none does. */
  readonly rescuedSince: string | undefined;
}

/** Who decides over the configurations: this registrar, a newer replica, or nobody, since a person unregistered them. */
export type RegistrationStanding = 'own' | 'newer' | 'unregistered';

/** Objects in kube-system, and in the namespace the gate itself runs in, are let pass unless somebody decides otherwise. */
export function defaultExcludedNamespaces(ownNamespace: string | undefined): string[] {
  return ownNamespace === undefined ? ['kube-system'] : ['kube-system', ownNamespace];
}

/** A pass over both objects this often, should every watch have failed to tell of a change. */
const intervalMilliseconds = 30_000;

/** What a pass over one configuration found. */
interface Look {
  readonly standing: RegistrationStanding;
  readonly rescuedSince: string | undefined;
}

/** Between two attempts of {@link Registrar.registerOnce}. */
const retryMilliseconds = 1000;

/** Of the time that a stopping process has; its requests want most of it. */
const releaseTimeoutMilliseconds = 2000;

/**
 * Keeps the webhook configurations in the API server equal to the registry: writes them by server-side apply, mends
 * drift as soon as a watch tells of it, removes entries and objects that are no longer wanted, and follows the CA bundle.
 *
 * Of several replicas with different webhooks the one that started last decides, so that an old replica does not undo
 * what a rollout brings. When that one stops, or does not answer any more ({@link Deferral}), the others decide again:
 * after a rollout that was undone, nobody is left who serves what it registered. Fields and entries of other managers are
 * left alone, but for match conditions in our entries: each of them can switch a webhook off.
 */
export class Registrar {
  readonly #options: RegistrarOptions;
  readonly #loop: ReconcileLoop;
  readonly #changes: ChangeListeners;
  readonly #informers: readonly Informer<WebhookConfiguration>[];
  readonly #startedAt: string;
  /** The objects as this registrar last wanted and saw them; what differs later was somebody else. */
  readonly #seenRight = new Map<ConfigurationKind, WebhookConfiguration>();
  readonly #deferrals = {
    MutatingWebhookConfiguration: new Deferral(),
    ValidatingWebhookConfiguration: new Deferral(),
  } as const satisfies Record<ConfigurationKind, Deferral>;
  #registry: WebhookRegistry;
  #isRegistering = false;
  /** Deleted by a person's `unregister`; until they are there again, or this process is started anew. */
  readonly #unregistered = new Set<ConfigurationKind>();
  #state: RegistrationState = {
    registered: false,
    repairs: 0,
    problem: undefined,
    standing: 'own',
    rescuedSince: undefined,
  };

  /**
   * Throws {@link InvalidRegistrationError} for an address that cannot work, and {@link UnsafeRegistrationError} for webhooks that could
   * lock the cluster out, unless `force` is set.
   */
  constructor(options: RegistrarOptions) {
    this.#options = options;
    this.#registry = options.registry;
    this.#startedAt = new Date(options.clock.now()).toISOString();
    this.#changes = new ChangeListeners((error) =>
      options.log.error('a listener to registration changes failed', {
        error: error instanceof Error ? error : undefined,
      }),
    );
    this.#informers = configurationKinds.map((kind) => this.#informer(kind));
    checkAddress(options.address);
    this.#checkHazards(options.registry);
    this.#loop = new ReconcileLoop({
      clock: options.clock,
      intervalMilliseconds,
      reconcile: (signal) => this.#reconcile(signal),
      onFailure: (error) => this.#fail(error),
      // What somebody else has to mend, such as a foreign configuration or missing rights, may be mended any time.
      isHopeless: () => false,
    });
  }

  /**
   * Registers, and keeps registered until {@link stop}. Call it after the listener answers. Resolves when the
   * configurations are right for the first time; whatever fails is tried again, and stands in {@link state} meanwhile.
   */
  async start(signal?: AbortSignal): Promise<void> {
    this.#isRegistering = true;
    this.observe();
    await this.#loop.start(signal);
  }

  /** Watches the configurations for who listens, and writes nothing: for a process that leaves registering to another. */
  observe(): void {
    for (const informer of this.#informers) informer.start();
  }

  /**
   * Makes the configurations right and returns, for those who do not stay. Waits only for what passes by itself: an API
   * server that does not answer, somebody who wrote in the same moment.
   *
   * Throws {@link ForeignConfigurationError}, {@link ApiStatusError} for a refusal, and {@link RegistrationTimeoutError},
   * with the newest failure, when `signal` aborts before.
   */
  async registerOnce(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        return await this.#loop.pass(signal);
      } catch (error) {
        const isRefusal = error instanceof ApiStatusError && error.statusCode < 500 && !isConflict(error);
        if (error instanceof ForeignConfigurationError || isRefusal) throw error;
        if (!signal.aborted) await wait(this.#options.clock, retryMilliseconds, signal).catch(() => undefined);
        if (!signal.aborted) continue;
        const { problem = 'the API server did not answer' } = this.#state;
        throw new RegistrationTimeoutError(`not registered in the time given for it: ${problem}`, { cause: error });
      }
    }
  }

  /** Ends watching and writing; the configurations stay, for other replicas to decide over. */
  async stop(): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.stop()));
    await this.#loop.stop();
    await this.#release(AbortSignal.timeout(releaseTimeoutMilliseconds));
  }

  state(): RegistrationState {
    return this.#state;
  }

  /** Registers another set of webhooks from now on. Throws as the constructor does. */
  setRegistry(registry: WebhookRegistry): void {
    this.#checkHazards(registry);
    this.#registry = registry;
    this.refresh();
  }

  /** Looks again, because the CA bundle changed. */
  refresh(): void {
    if (this.#isRegistering) this.#loop.trigger();
  }

  /** Calls `listener` when the configurations in the API server may have changed. Returns how to end it. */
  subscribe(listener: () => void): () => void {
    return this.#changes.add(listener);
  }

  /** The CA bundles that the API server has for our webhooks, read now; see certs' `BundlePublication`. */
  async publishedBundles(
    signal?: AbortSignal,
  ): Promise<Array<{ readonly holder: string; readonly caBundlePem: string; readonly serverName: string }>> {
    const ours = new Set([...this.#registry].map(({ name }) => name));
    return readPublishedBundles(this.#options.client, this.#options.name, (name) => ours.has(name), signal);
  }

  /** Whether the API server has every webhook, each in the configuration that it belongs to; read now. */
  async isRegistered(signal?: AbortSignal): Promise<boolean> {
    for (const kind of configurationKinds) {
      const current = await getConfiguration(this.#options.client, kind, this.#options.name, signal);
      const there = new Set(current?.webhooks?.map(({ name }) => name));
      const own = kind === 'MutatingWebhookConfiguration' ? 'mutating' : 'validating';
      for (const webhook of this.#registry) if (webhook.kind === own && !there.has(webhook.name)) return false;
    }
    return true;
  }

  async #reconcile(signal: AbortSignal): Promise<void> {
    const looks: Look[] = [];
    for (const kind of configurationKinds) looks.push(await this.#reconcileKind(kind, signal));
    const standings = looks.map(({ standing }) => standing);
    const rescued = looks.find((look) => look.rescuedSince !== undefined)?.rescuedSince;
    if (rescued !== undefined && this.#state.rescuedSince === undefined) {
      this.#options.log.warn('our webhooks are ignored when they do not answer, until "sallyport rescue --undo"', {
        name: this.#options.name,
        since: rescued,
      });
    }
    this.#state = {
      ...this.#state,
      registered: true,
      problem: undefined,
      standing: (['unregistered', 'newer', 'own'] as const).find((standing) => standings.includes(standing)) ?? 'own',
      rescuedSince: rescued,
    };
  }

  async #reconcileKind(kind: ConfigurationKind, signal: AbortSignal): Promise<Look> {
    const { log, name } = this.#options;
    // Read before the bundle is asked for: a rotation in between changes the version and turns the write into a conflict.
    let current = await getConfiguration(this.#options.client, kind, this.#options.name, signal);
    if (this.#isUnregistered(kind, current)) return { standing: 'unregistered', rescuedSince: undefined };
    const look = { standing: 'own', rescuedSince: rescuedSince(current) } as const;
    const wanted = (await this.#wanted(current, signal)).find((configuration) => configuration.kind === kind);
    if (current !== undefined && !isOurs(current)) {
      if (wanted === undefined) return look;
      throw new ForeignConfigurationError(kind, name);
    }
    if (current !== undefined && (await this.#isLeftToNewer(kind, current, wanted, signal))) {
      return { ...look, standing: 'newer' };
    }
    this.#deferrals[kind].reset();
    if (current?.metadata?.annotations?.[challengeAnnotation] !== undefined) {
      current = await this.#applyChallenge(kind, current, {}, signal);
    }
    if (wanted === undefined) {
      if (current !== undefined) await this.#remove(kind, current, signal);
      return look;
    }
    const strays = current === undefined ? [] : findStrayConditions(current, wanted);
    if (current !== undefined && covers(current, wanted) && !hasStaleEntries(current, wanted) && strays.length === 0) {
      this.#seenRight.set(kind, wanted);
      return look;
    }
    if (current !== undefined && strays.length > 0) current = await this.#removeStrays(kind, current, strays, signal);
    await this.#apply(kind, wanted, current, signal);
    if (isDeepStrictEqual(this.#seenRight.get(kind), wanted)) {
      this.#state = { ...this.#state, repairs: this.#state.repairs + 1 };
      log.warn('the webhook configuration had been changed; mended it', { kind, name });
    } else {
      log.info('wrote the webhook configuration', { kind, name });
    }
    this.#seenRight.set(kind, wanted);
    return look;
  }

  /** A configuration that is there without the mark was registered again by somebody. */
  #isUnregistered(kind: ConfigurationKind, current: WebhookConfiguration | undefined): boolean {
    const { log, name } = this.#options;
    if (current !== undefined && isUnregistered(current)) this.#noteUnregistered(kind);
    else if (current !== undefined && this.#unregistered.delete(kind)) {
      log.info('somebody registered the webhooks again; keeping them registered', { kind, name });
    }
    return this.#unregistered.has(kind);
  }

  #noteUnregistered(kind: ConfigurationKind): void {
    if (this.#unregistered.has(kind)) return;
    this.#unregistered.add(kind);
    this.#seenRight.delete(kind);
    const { log, name } = this.#options;
    log.warn('a person unregistered our webhooks; not registering them until this process is started anew', {
      kind,
      name,
    });
  }

  /** Whether a newer replica decides over this configuration; one that does not answer decides no more. */
  async #isLeftToNewer(
    kind: ConfigurationKind,
    current: WebhookConfiguration,
    wanted: WebhookConfiguration | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { log, name, clock } = this.#options;
    const newer = current.metadata?.annotations?.[startedAnnotation] ?? '';
    if (!this.#belongsToNewer(current, wanted)) return false;
    const verdict = this.#deferrals[kind].judge(current, newer, clock.monotonic());
    if (verdict === 'silent') {
      log.warn('the newer replica that registered other webhooks does not answer any more; registering ours', {
        kind,
        name,
        newer,
      });
      return false;
    }
    log.info('a newer replica registers other webhooks; leaving the configuration to it', { kind, name, newer });
    if (verdict === 'ask') {
      await this.#applyChallenge(kind, current, { [challengeAnnotation]: this.#startedAt }, signal);
    }
    return true;
  }

  #applyChallenge(
    kind: ConfigurationKind,
    { metadata }: WebhookConfiguration,
    annotations: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<WebhookConfiguration> {
    const { client, name } = this.#options;
    const { resourceVersion } = metadata ?? {};
    return client.apply<WebhookConfiguration>(
      addressOf(kind, name),
      {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind,
        metadata: { name, annotations, ...(resourceVersion !== undefined && { resourceVersion }) },
      },
      { fieldManager: challengeManager, force: true, signal },
    );
  }

  /** An apply would leave them, as they are somebody else's. */
  async #removeStrays(
    kind: ConfigurationKind,
    { metadata }: WebhookConfiguration,
    strays: readonly StrayCondition[],
    signal: AbortSignal,
  ): Promise<WebhookConfiguration> {
    const { client, log, name } = this.#options;
    for (const { webhook, condition } of strays) {
      log.warn('somebody put a match condition into a webhook of ours; removing it', {
        kind,
        name,
        webhook,
        condition,
      });
    }
    return client.patch<WebhookConfiguration>(
      addressOf(kind, name),
      {
        type: 'json',
        operations: [
          { op: 'test', path: '/metadata/resourceVersion', value: metadata?.resourceVersion },
          // From the last to the first, so that the places of those before stay.
          ...strays.toReversed().map(({ path }) => ({ op: 'remove', path })),
        ],
      },
      { fieldManager, signal },
    );
  }

  async #wanted(current: WebhookConfiguration | undefined, signal: AbortSignal): Promise<WebhookConfiguration[]> {
    const { name, address, excludedNamespaces, ownNamespace, caBundle, injectCaFrom } = this.#options;
    const configurations = buildConfigurations(this.#registry, {
      name,
      address,
      excludedNamespaces,
      caBundle: await caBundle(signal),
      labels: { [managedByLabel]: fieldManager, [nameLabel]: name },
    });
    const owner = ownNamespace === undefined ? undefined : await this.#namespaceReference(ownNamespace, signal);
    return configurations.map((configuration) => {
      const wanted = {
        ...(injectCaFrom === undefined ? configuration : harmlessUntilInjected(configuration, current)),
        metadata: {
          ...configuration.metadata,
          annotations: this.#annotations(configuration, current),
          ...(owner !== undefined && { ownerReferences: [owner] }),
        },
      };
      return heedRescue(wanted, current);
    });
  }

  /** Replicas that want the same webhooks agree on the start of the newest of them, instead of writing their own in turns. */
  #annotations(wanted: WebhookConfiguration, current: WebhookConfiguration | undefined): Record<string, string> {
    const digest = digestOf(wanted, this.#options.injectCaFrom);
    const { [digestAnnotation]: currentDigest, [startedAnnotation]: started = '' } =
      current?.metadata?.annotations ?? {};
    const isNewer = digest === currentDigest && started > this.#startedAt;
    const { injectCaFrom } = this.#options;
    return {
      [digestAnnotation]: digest,
      [startedAnnotation]: isNewer ? started : this.#startedAt,
      ...(injectCaFrom !== undefined && { [injectionAnnotation]: injectCaFrom }),
    };
  }

  /** A cluster-scoped owner, so that deleting the gate's namespace removes the configurations with it. */
  async #namespaceReference(
    name: string,
    signal: AbortSignal,
  ): Promise<{ apiVersion: string; kind: string; name: string; uid: string }> {
    const namespace = await this.#options.client.get<KubernetesObject>(
      { group: '', version: 'v1', resource: 'namespaces', name },
      { signal },
    );
    return { apiVersion: 'v1', kind: 'Namespace', name, uid: namespace.metadata?.uid ?? '' };
  }

  #belongsToNewer(current: WebhookConfiguration, wanted: WebhookConfiguration | undefined): boolean {
    const { [digestAnnotation]: digest, [startedAnnotation]: started } = current.metadata?.annotations ?? {};
    return (
      started !== undefined && started > this.#startedAt && digest !== wanted?.metadata?.annotations?.[digestAnnotation]
    );
  }

  async #apply(
    kind: ConfigurationKind,
    wanted: WebhookConfiguration,
    current: WebhookConfiguration | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { resourceVersion } = current?.metadata ?? {};
    const metadata = { ...wanted.metadata, ...(resourceVersion !== undefined && { resourceVersion }) };
    await this.#options.client.apply(
      addressOf(kind, this.#options.name),
      { ...wanted, metadata },
      { fieldManager, force: true, signal },
    );
  }

  /** Takes our start off the objects that carry it, so that no replica waits for one that is gone. */
  async #release(signal: AbortSignal): Promise<void> {
    for (const [kind, wanted] of this.#seenRight) {
      this.#seenRight.delete(kind);
      const { [startedAnnotation]: _started, ...annotations } = wanted.metadata?.annotations ?? {};
      try {
        const current = await getConfiguration(this.#options.client, kind, this.#options.name, signal);
        if (current?.metadata?.annotations?.[startedAnnotation] !== this.#startedAt || !covers(current, wanted))
          continue;
        await this.#apply(kind, { ...wanted, metadata: { ...wanted.metadata, annotations } }, current, signal);
      } catch (error) {
        // Somebody else wrote in the same moment, or nobody answers: there is no time to try again.
        const problem = error instanceof Error ? error.message : String(error);
        this.#options.log.warn('could not hand the webhook configuration over', { kind, problem });
      }
    }
  }

  async #remove(kind: ConfigurationKind, current: WebhookConfiguration, signal: AbortSignal): Promise<void> {
    await deleteConfiguration(this.#options.client, kind, current, signal);
    this.#options.log.info('removed the webhook configuration', { kind, name: this.#options.name });
  }

  /** Every event on the object leads to a look at it. */
  #informer(kind: ConfigurationKind): Informer<WebhookConfiguration> {
    const { client, clock, log, name } = this.#options;
    const { name: _name, ...collection } = addressOf(kind, this.#options.name);
    const informer = new Informer<WebhookConfiguration>({
      client,
      collection,
      fieldSelector: `metadata.name=${name}`,
      clock,
      logger: log,
    });
    const look = (): void => {
      this.#changes.notify();
      this.refresh();
    };
    const leave = (last: WebhookConfiguration): void => {
      if (isUnregistered(last)) this.#noteUnregistered(kind);
      look();
    };
    informer.addHandler({ add: look, update: look, delete: leave });
    return informer;
  }

  #checkHazards(registry: WebhookRegistry): void {
    const { ownNamespace, excludedNamespaces, force, log } = this.#options;
    const timeoutHazard = findTimeoutHazard(registry);
    if (timeoutHazard !== undefined)
      log.warn('webhooks may take longer than a request lives', { hazard: timeoutHazard });
    const hazards = findHazards(registry, { ownNamespace, excludedNamespaces });
    if (hazards.length === 0) return;
    if (!force) throw new UnsafeRegistrationError(hazards);
    for (const hazard of hazards) log.warn('registered by force', { hazard });
  }

  #fail(error: unknown): void {
    for (const kind of configurationKinds) this.#deferrals[kind].reset();
    const problem = error instanceof Error ? error.message : String(error);
    this.#state = { ...this.#state, problem };
    // Another replica wrote in the same moment: the next pass sees what it wrote.
    if (isConflict(error)) return;
    this.#options.log.error('could not register the webhooks; trying again', { problem });
  }
}

/**
 * The CA bundles that the API server has for the webhooks of both configurations of this name, or for those that `isOurs`
 * takes, read now; see certs' `BundlePublication`.
 */
export async function readPublishedBundles(
  client: KubeClient,
  name: string,
  isOurs: (webhook: string) => boolean,
  signal?: AbortSignal,
): Promise<Array<{ readonly holder: string; readonly caBundlePem: string; readonly serverName: string }>> {
  const configurations = await Promise.all(
    configurationKinds.map((kind) => getConfiguration(client, kind, name, signal)),
  );
  return configurations.flatMap((configuration) =>
    (configuration?.webhooks ?? [])
      .filter((webhook) => isOurs(webhook.name))
      .map((webhook) => ({
        holder: `${configuration?.kind}/${configuration?.metadata?.name}, ${webhook.name}`,
        caBundlePem: Buffer.from(webhook.clientConfig.caBundle ?? '', 'base64').toString(),
        serverName: serverNameOf(webhook.clientConfig),
      })),
  );
}

function checkAddress(address: GateAddress): void {
  if ('url' in address === 'service' in address) {
    throw new InvalidRegistrationError(
      'exactly one of "url" and "service" must say where the API server reaches the gate',
    );
  }
  if (!('url' in address)) return;
  const url = URL.canParse(address.url) ? new URL(address.url) : undefined;
  if (url?.protocol !== 'https:' || url.search !== '' || url.hash !== '' || url.username !== '') {
    throw new InvalidRegistrationError(
      `"${address.url}" is not of the form https://host[:port] without query, fragment or user`,
    );
  }
}

function serverNameOf({ service, url }: WebhookClientConfig): string {
  if (service !== undefined) return `${service.name}.${service.namespace}.svc`;
  return url === undefined ? '' : new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
}

/** Of what the replicas must agree on: the CA bundle, which rotates, is left out, but not who writes it. */
function digestOf(configuration: WebhookConfiguration, injectCaFrom: string | undefined): string {
  const webhooks = configuration.webhooks?.map((webhook) => {
    const { caBundle: _caBundle, ...clientConfig } = webhook.clientConfig;
    return { ...webhook, clientConfig };
  });
  return createHash('sha256')
    .update(JSON.stringify([webhooks, injectCaFrom]))
    .digest('hex')
    .slice(0, 16);
}
