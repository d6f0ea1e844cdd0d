import type * as Chain from '../../../src/chain/index.ts';
import type { WebhookClientConfig, WebhookConfiguration } from '../../../src/api/webhook-configuration.ts';
import { isJsonObject, type JsonObject } from '../../../src/json/json-value.ts';
import { isRawNumber } from '../../../src/json/raw-number.ts';
import { newInvalid } from '../../../src/chain/status-error.ts';
import type { Clock } from '../../../src/telemetry/index.ts';
import { FakeClock } from '../../fake-clock.ts';
import { respond, type Behaviour } from './behaviour.ts';
import { definitions, goldenGroup, markers, namespaces } from './cluster.ts';
import { normaliseRecorded } from './normalise.ts';
import { attributesOf } from './requests.ts';
import { storesObject, type Recorded, type RecordedCall, type RequestSpec, type World } from './scenario.ts';

/** The engine under test: what `src/chain/index.ts` exports, or a copy of it with a fault in it. */
export type Engine = typeof Chain;

/** Where the webhooks of a world are: played in this process, or a server that is called over the network. */
export interface Surroundings {
  readonly client: Chain.WebhookClient;
  readonly clock: Clock;
  clientConfig(webhook: string, said: WebhookClientConfig): WebhookClientConfig;
  takeCalls(): RecordedCall[];
}

/** Plays one request of a world through the engine and tells the same facts as the recorder, normalised. */
export async function replay(
  engine: Engine,
  world: World,
  spec: RequestSpec,
  before: JsonObject | undefined,
  surroundings: Surroundings = new Stage(engine, world),
): Promise<Recorded> {
  const { client, clock } = surroundings;
  const catalog = new engine.ResourceCatalog(definitions);
  const compiler = engine.createConditionCompiler();
  const marker = markers('replay');
  const placed = <Configuration extends WebhookConfiguration>(configuration: Configuration): Configuration =>
    fillClientConfigs(configuration, (webhook, said) => surroundings.clientConfig(webhook, said));
  const webhooks = {
    mutating: engine.registerWebhooks([marker.mutating, ...(world.mutating ?? []).map(placed)], compiler),
    validating: engine.registerWebhooks([marker.validating, ...(world.validating ?? []).map(placed)], compiler),
  };
  let uids = 0;
  const caller = { client, newUid: () => `00000000-0000-4000-8000-${String(uids++).padStart(12, '0')}` };
  const chain = new engine.AdmissionChain({
    plugins: engine.orderPlugins([
      engine.mutatingWebhookPlugin({ ...caller, webhooks: webhooks.mutating }),
      engine.validatingWebhookPlugin({ ...caller, webhooks: webhooks.validating }),
    ]),
    state: new engine.InMemoryClusterState(namespaces),
    objectInterfaces: ({ resource }) => catalog.objectInterfaces(resource),
    authorizer: { authorize: () => ({ decision: 'allow', reason: '' }) },
    clock,
  });
  const attributes = attributesOf(spec, before, (resource, subresource) =>
    catalog.objectInterfaces(resource).kindFor(resource, subresource),
  );
  const outcome = await chain.run(attributes, { betweenWalks });
  return normaliseRecorded({
    allowed: outcome.allowed,
    // A Status is plain JSON.
    ...(outcome.status === undefined ? {} : { status: outcome.status as JsonObject }),
    warnings: outcome.warnings,
    ...(outcome.allowed && storesObject(spec) && outcome.object !== null ? { object: asSent(outcome.object) } : {}),
    calls: callsInOrder(world, surroundings.takeCalls()),
    auditAnnotations: Object.fromEntries(
      Object.entries(outcome.auditAnnotations).map(([key, { value }]) => [key, value]),
    ),
  });
}

/** As a client reads it: what the engine keeps of the text of a number is gone. */
function asSent(object: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(object)) as JsonObject;
}

/**
 * Of what the API server does between the walks, the scenarios need that a custom resource keeps its kind and that
 * `spec.flavour` is text.
 *
 * Source: k8s.io/apiextensions-apiserver v0.37.2 pkg/registry/customresource/validator.go, ValidateTypeMeta and
 * ValidateCustomResource.
 */
function betweenWalks(attributes: Chain.Attributes): Chain.Attributes | Chain.Refused {
  const { object, name } = attributes;
  const { group, kind } = attributes.kind;
  if (group !== goldenGroup || object === null) return attributes;
  const invalid = (said: string, field: string, reason: string, body: string): Chain.Refused => ({
    kind: 'refused',
    status: newInvalid({ group: goldenGroup, kind: said }, name, [{ field, reason, body: `Invalid value: ${body}` }]),
  });
  const said = object['kind'];
  if (typeof said === 'string' && said !== kind)
    return invalid(said, 'kind', 'FieldValueInvalid', `"${said}": must be ${kind}`);
  const flavour = isJsonObject(object['spec']) ? object['spec']['flavour'] : undefined;
  if (typeof flavour === 'number' || isRawNumber(flavour)) {
    const body = '"integer": spec.flavour in body must be of type string: "integer"';
    return invalid(kind, 'spec.flavour', 'FieldValueTypeInvalid', body);
  }
  return attributes;
}

/** Gives every webhook the place where it is. */
export function fillClientConfigs<Configuration extends WebhookConfiguration>(
  configuration: Configuration,
  clientConfigFor: (webhook: string, said: WebhookClientConfig) => WebhookClientConfig,
): Configuration {
  const webhooks = (configuration.webhooks ?? []).map((webhook) => ({
    ...webhook,
    clientConfig: clientConfigFor(webhook.name, webhook.clientConfig),
  }));
  return { ...configuration, webhooks };
}

/**
 * Mutating calls as they came, validating ones by the place of their webhook; what the requests looked like is only kept
 * of worlds over the network.
 */
export function callsInOrder(world: World, calls: readonly RecordedCall[]): RecordedCall[] {
  const order = [...(world.validating ?? [])]
    .sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1))
    .flatMap(({ webhooks = [] }) => webhooks.map(({ name }) => name));
  const validating = calls.filter(({ webhook }) => order.includes(webhook));
  return [
    ...calls.filter(({ webhook }) => !order.includes(webhook)),
    ...validating.sort((a, b) => order.indexOf(a.webhook) - order.indexOf(b.webhook)),
  ].map(({ webhook, review, http }) => ({
    webhook,
    review,
    ...(world.overNetwork === true && http !== undefined ? { http } : {}),
  }));
}

/** Plays the behaviours of a world in this process, without waiting for anything. */
class Stage implements Surroundings, Chain.WebhookClient {
  readonly clock = new FakeClock();
  readonly #engine: Engine;
  readonly #world: World;
  readonly #calls: RecordedCall[] = [];
  readonly #counts = new Map<string, number>();

  constructor(engine: Engine, world: World) {
    this.#engine = engine;
    this.#world = world;
  }

  get client(): Chain.WebhookClient {
    return this;
  }

  clientConfig(webhook: string): WebhookClientConfig {
    return { url: `https://127.0.0.1:10443/${webhook}` };
  }

  takeCalls(): RecordedCall[] {
    return this.#calls;
  }

  async call({ webhook, url, body, timeoutSeconds }: Chain.WebhookRequest): Promise<Chain.WebhookResponse> {
    const count = this.#counts.get(webhook) ?? 0;
    this.#counts.set(webhook, count + 1);
    const bytes = Buffer.from(body);
    this.#calls.push({ webhook, review: JSON.parse(bytes.toString()) as JsonObject });
    const response = respond(this.#behaviour(webhook), bytes, count);
    switch (response.kind) {
      case 'http':
        // After the answer somebody may be waiting to send the request again.
        setImmediate(() => this.clock.advance(Number(response.headers['retry-after'] ?? 0) * 1000 || 0));
        return { status: response.status, headers: response.headers, body: response.body };
      case 'drop':
      case 'cut':
        throw new this.#engine.WebhookCallError(`Post "${url}": EOF`);
      case 'hang':
        // After everything that can go on without time has gone on, the time of this webhook is over.
        setImmediate(() => this.clock.advance(timeoutSeconds * 1000));
        return Promise.withResolvers<Chain.WebhookResponse>().promise;
    }
  }

  #behaviour(webhook: string): Behaviour {
    const behaviour = this.#world.behaviours[webhook];
    if (behaviour === undefined) throw new Error(`no behaviour for ${webhook}`);
    return behaviour;
  }
}
