import {
  AdmissionChain,
  admitted,
  InMemoryClusterState,
  orderPlugins,
  pluginOrder,
  ResourceCatalog,
  simulatedPlugins,
  type AdmissionPlugin,
} from '../../../src/chain/index.ts';
import { apply } from '../../../src/json/apply.ts';
import type { JsonObject } from '../../../src/json/json-value.ts';
import type { PatchOperation } from '../../../src/json/patch.ts';
import { attributesOf } from '../chain/requests.ts';
import { storesObject, type Recorded } from '../chain/scenario.ts';
import { normaliseReplay } from './normalise.ts';
import { rbacAuthorizer } from './rbac-authorizer.ts';
import { played, type PlayedRequest, type PluginWorld } from './world.ts';

/** Plays the requests of a world through the plug-ins and tells the same facts as the recorder, normalised. */
export async function replay(world: PluginWorld, recorded: readonly PlayedRequest[]): Promise<Recorded[]> {
  const state = new InMemoryClusterState([...initialNamespaces, ...world.cluster]);
  const catalog = new ResourceCatalog();
  const chain = new AdmissionChain({
    plugins: orderPlugins([...simulatedPlugins, ...laterPlugins(world)], flagsOf(world)),
    state,
    objectInterfaces: ({ resource }) => catalog.objectInterfaces(resource),
    authorizer: rbacAuthorizer(world.cluster),
  });
  const answers: Recorded[] = [];
  for (const [index, spec] of world.requests.entries()) {
    const attributes = attributesOf(played(spec), recorded[index]?.before, (resource, subresource) =>
      catalog.objectInterfaces(resource).kindFor(resource, subresource),
    );
    const outcome = await chain.run(attributes);
    const answer = {
      allowed: outcome.allowed,
      // A Status is plain JSON.
      ...(outcome.status === undefined ? {} : { status: outcome.status as JsonObject }),
      warnings: outcome.warnings,
      ...(outcome.allowed && storesWholeObject(spec) && outcome.object !== null ? { object: outcome.object } : {}),
      calls: [],
      auditAnnotations: {},
    };
    answers.push(normaliseReplay(answer, attributes.operation === 'CREATE'));
  }
  return answers;
}

/** In the place of MutatingAdmissionPolicy, which the engine has no copy of, what the one policy of the world does. */
function laterPlugins({ later }: PluginWorld): AdmissionPlugin[] {
  if (later === undefined) return [];
  const patch: PatchOperation[] = [{ op: 'add', ...later }];
  return [
    {
      name: 'MutatingAdmissionPolicy',
      handles: (operation) => operation === 'CREATE',
      admit({ object }, { reinvocation }) {
        reinvocation.requestReinvocation();
        // A Pod stays a Pod.
        return admitted(apply(object, patch) as JsonObject);
      },
    },
  ];
}

/** The flags with which nothing runs but the plug-ins of the world. */
export function flagsOf({ plugins }: PluginWorld): {
  readonly enable: readonly string[];
  readonly disable: readonly string[];
} {
  const disable = pluginOrder.filter(({ name, defaultEnabled }) => defaultEnabled && !plugins.includes(name));
  return { enable: plugins, disable: disable.map(({ name }) => name) };
}

/** Whether the answer to a request is an object as it is stored. */
export function storesWholeObject(spec: Parameters<typeof storesObject>[0]): boolean {
  return storesObject(spec) || spec.subresource === 'resize' || spec.subresource === 'ephemeralcontainers';
}

const initialNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'].map((name) => ({
  ...{ apiVersion: 'v1', kind: 'Namespace' },
  metadata: { name },
}));
