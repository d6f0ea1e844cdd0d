import type { WebhookRegistry } from '../admission/index.ts';
import type { CustomResourceDefinition } from '../api/generated/apiextensions.v1.ts';
import type { Manifest } from '../api/manifest.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import type {
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
  WebhookConfiguration,
} from '../api/webhook-configuration.ts';
// Not by the door of the chain, which would load the client for the network and the whole of CEL besides.
import type { Attributes } from '../chain/attributes.ts';
import { AdmissionChain, type Outcome } from '../chain/chain.ts';
import { InMemoryClusterState } from '../chain/cluster-state.ts';
import type { ConditionCompiler } from '../chain/match/match-conditions.ts';
import { orderPlugins, type PluginFlags } from '../chain/plugin-registry.ts';
import { mutatingWebhookPlugin } from '../chain/plugins/mutating-webhook.ts';
import { simulatedPlugins } from '../chain/plugins/simulated-plugins.ts';
import { validatingWebhookPlugin } from '../chain/plugins/validating-webhook.ts';
import { ResourceCatalog } from '../chain/resource-catalog.ts';
import type { WebhookClient } from '../chain/webhook/client.ts';
import { registerWebhooks } from '../chain/webhook/configurations.ts';
import { buildConfigurations } from '../registrar/configurations.ts';
import type { Logger } from '../telemetry/index.ts';
import { inProcessHost, InProcessWebhookClient } from './in-process-client.ts';
import { attributesOf, type RequestOptions } from './request.ts';

export interface OfflineReviewOptions {
  /** Webhooks of our own, called in this process. */
  readonly registry: WebhookRegistry;
  /** Configurations of others, called where they point. */
  readonly configurations: readonly WebhookConfiguration[];
  /** Objects of the cluster: namespaces, quotas, classes, CustomResourceDefinitions, … Undefined: nothing is known of it. */
  readonly state: readonly KubernetesObject[] | undefined;
  readonly plugins: PluginFlags;
  /** Who calls webhooks that are not ours. Made when the first is called. */
  readonly elsewhere: () => Promise<WebhookClient>;
  /** Where faults of our own webhooks are told, with what their handlers threw. */
  readonly log: Logger;
}

/** What the chain made of one manifest. */
export interface ReviewedManifest {
  readonly manifest: Manifest;
  readonly attributes: Attributes;
  readonly outcome: Outcome;
}

/** Namespaces that every cluster has. */
const initialNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/**
 * The API server's admission chain over manifests, without a cluster.
 *
 * What is let in is in the cluster for the manifests after it. Where no state was given, every namespace that a manifest
 * names is taken to exist; and each namespace has the service account `default`, which a controller makes in a cluster.
 */
export class OfflineReview {
  readonly #state: InMemoryClusterState;
  readonly #objects: KubernetesObject[];
  readonly #chain: AdmissionChain;
  readonly #assumesNamespaces: boolean;
  readonly #definitions: readonly CustomResourceDefinition[];

  /** `manifests` are those that will be reviewed: CustomResourceDefinitions among them describe the others. */
  static async open(options: OfflineReviewOptions, manifests: readonly Manifest[]): Promise<OfflineReview> {
    return new OfflineReview(options, manifests, await conditionCompiler(options));
  }

  private constructor(options: OfflineReviewOptions, manifests: readonly Manifest[], compiler: ConditionCompiler) {
    const { state = [] } = options;
    this.#assumesNamespaces = options.state === undefined;
    this.#objects = [];
    this.#state = new InMemoryClusterState();
    for (const name of initialNamespaces) this.#addNamespace(name);
    for (const object of state) this.#put(object);
    this.#definitions = [...state, ...manifests.map(({ object }) => object)].filter(isCustomResourceDefinition);
    const catalog = new ResourceCatalog(this.#definitions);
    this.#chain = new AdmissionChain({
      plugins: orderPlugins(
        [...simulatedPlugins, ...webhookPlugins(options, compiler, () => this.#objects)],
        options.plugins,
      ),
      state: this.#state,
      objectInterfaces: ({ resource }) => catalog.objectInterfaces(resource),
    });
  }

  /** Sends one manifest through the chain; when it is let in, the cluster has it from then on, dry runs excepted. */
  async review(manifest: Manifest, options: RequestOptions = {}): Promise<ReviewedManifest> {
    const attributes = attributesOf(manifest.object, manifest.kind, options, (kind) => this.#customResource(kind));
    if (this.#assumesNamespaces && attributes.namespace !== '' && attributes.resource.resource !== 'namespaces') {
      this.#addNamespace(attributes.namespace);
    }
    const outcome = await this.#chain.run(attributes);
    if (outcome.allowed && !attributes.dryRun && attributes.subresource === '') this.#store(attributes, outcome);
    return { manifest, attributes, outcome };
  }

  #store({ operation, oldObject }: Attributes, { object }: Outcome): void {
    // The chain keeps the shape of what it was given: an object with apiVersion, kind and metadata.
    if (operation === 'DELETE') this.#state.remove(oldObject as KubernetesObject);
    else if (operation !== 'CONNECT') this.#put(object as KubernetesObject);
  }

  #put(object: KubernetesObject): void {
    this.#state.put(object);
    this.#objects.push(object);
    if (object.kind === 'Namespace' && object.apiVersion === 'v1') this.#addServiceAccount(object.metadata?.name ?? '');
  }

  #addNamespace(name: string): void {
    if (this.#state.get('namespaces', name) !== undefined) return;
    this.#put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }

  #addServiceAccount(namespace: string): void {
    if (this.#state.get('serviceaccounts', 'default', namespace) !== undefined) return;
    this.#state.put({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } });
  }

  #customResource({ group, version, kind }: Manifest['kind']) {
    const found = this.#definitions.find(({ spec }) => spec.group === group && spec.names.kind === kind);
    if (found === undefined) return undefined;
    return { group, version, resource: found.spec.names.plural, namespaced: found.spec.scope === 'Namespaced' };
  }
}

/** The crypto module is loaded when a webhook is called: it takes as long as the rest of a review. */
const newUid = (): string => process.getBuiltinModule('node:crypto').randomUUID();

/** CEL is loaded when a webhook has conditions; most have none, and loading it takes longer than a review. */
async function conditionCompiler({ registry, configurations }: OfflineReviewOptions): Promise<ConditionCompiler> {
  const webhooks = [
    ...registry,
    ...configurations.flatMap((each): readonly ValidatingWebhook[] => each.webhooks ?? []),
  ];
  if (webhooks.every(({ matchConditions = [] }) => matchConditions.length === 0)) return noConditions;
  const { createConditionCompiler } = await import('../chain/match/cel-conditions.ts');
  return createConditionCompiler();
}

const noConditions: ConditionCompiler = {
  compile: () => {
    throw new TypeError('no webhook has conditions');
  },
};

function webhookPlugins(
  { registry, configurations, elsewhere, log }: OfflineReviewOptions,
  compiler: ConditionCompiler,
  objects: () => readonly KubernetesObject[],
) {
  const own = buildConfigurations(registry, {
    name: 'sallyport',
    address: { url: `https://${inProcessHost}` },
    caBundle: undefined,
    excludedNamespaces: ['kube-system'],
    labels: {},
  });
  const all = [...own, ...configurations];
  const client = new InProcessWebhookClient({ registry, objects, log, elsewhere: lazily(elsewhere) });
  const caller = { client, newUid };
  const mutating = all.filter(
    (each): each is MutatingWebhookConfiguration => each.kind === 'MutatingWebhookConfiguration',
  );
  const validating = all.filter(
    (each): each is ValidatingWebhookConfiguration => each.kind === 'ValidatingWebhookConfiguration',
  );
  return [
    mutatingWebhookPlugin({ ...caller, webhooks: registerWebhooks(mutating, compiler) }),
    validatingWebhookPlugin({ ...caller, webhooks: registerWebhooks(validating, compiler) }),
  ];
}

function lazily(make: () => Promise<WebhookClient>): WebhookClient {
  let client: Promise<WebhookClient> | undefined;
  return { call: async (request, signal) => (await (client ??= make())).call(request, signal) };
}

function isCustomResourceDefinition(object: KubernetesObject): object is CustomResourceDefinition & KubernetesObject {
  return object.kind === 'CustomResourceDefinition' && object.apiVersion === 'apiextensions.k8s.io/v1';
}
