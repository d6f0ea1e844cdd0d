import type { Namespace, Pod } from '../api/generated/core.v1.ts';
import { isNotFound, type ObjectSource } from '../kube/index.ts';
import type { Clock, Logger } from '../telemetry/index.ts';
import type { GuardDefinition } from './definition.ts';
import type { DeletionGuard } from './deletion-guard.ts';
import { GuardsUnknownError, InvalidGuardPolicyError } from './errors.ts';
import type { Guard, GuardSet } from './guard.ts';
import type { GuardClient } from './guard-client.ts';
import { resolveGuardPolicy } from './guard-policy.ts';
import type { Hooks } from './hooks/hooks.ts';

export interface GuardsOptions {
  /** DeletionGuards; started and stopped by the caller. */
  readonly source: ObjectSource<DeletionGuard>;
  /** Guards in TypeScript. */
  readonly definitions: readonly GuardDefinition[];
  readonly hooks: Hooks;
  /** Asked whether a Namespace is being deleted, when a guard of it is gone. */
  readonly client: Pick<GuardClient, 'get'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Between two looks at a Namespace that is being deleted. */
const lookMilliseconds = 2000;

/**
 * All guards in force: DeletionGuards and those of users' files. Of several that match one Pod the first by name holds it.
 *
 * Throws {@link InvalidGuardPolicyError} for a definition that cannot come into force, or two of one name. What is wrong
 * with a DeletionGuard is logged; what was good before stays in force.
 *
 * The namespace controller deletes DeletionGuards beside the Pods that they hold. One with `onNamespaceDelete: Hold` stays in
 * force until its Namespace is gone, or is found not to be deleted at all.
 */
export class Guards implements GuardSet {
  readonly #defined: readonly Guard[];
  readonly #source: ObjectSource<DeletionGuard>;
  readonly #byNamespace = new Map<string, readonly Guard[]>();
  /** Those that went, perhaps with their Namespace, and how to stop looking at it. */
  readonly #leaving = new Map<string, { readonly guards: readonly Guard[]; cancel: () => void }>();
  readonly #options: GuardsOptions;
  readonly #unsubscribe: () => void;

  constructor(options: GuardsOptions) {
    const { source, definitions, hooks, log } = options;
    this.#options = options;
    this.#source = source;
    this.#defined = definitions.map(guardOfDefinition).sort(byName);
    const twice = this.#defined.find(({ name }, index) => this.#defined[index + 1]?.name === name);
    if (twice !== undefined) throw new InvalidGuardPolicyError([`name: "${twice.name}" is taken by another guard`]);
    this.#unsubscribe = source.subscribe(({ objects, problems }) => {
      for (const { origin, message, keepsFormer } of problems) log.warn(message, { origin, keepsFormer });
      const former = new Map(this.#byNamespace);
      this.#byNamespace.clear();
      const guards = objects.map(({ object }) => object);
      for (const [namespace, own] of Map.groupBy(guards, (guard) => guard.namespace)) {
        this.#byNamespace.set(namespace, own.map((guard) => guardOfObject(guard, hooks)).sort(byName));
      }
      for (const [namespace, guards] of former) this.#keep(namespace, guards);
    });
  }

  /** Throws {@link GuardsUnknownError} before the DeletionGuards were read once: nobody can tell then. */
  guardOf(pod: Pod): Guard | undefined {
    if (this.#source.current === undefined) throw new GuardsUnknownError();
    const matches = (guard: Guard): boolean => guard.matches(pod);
    const namespace = pod.metadata?.namespace ?? '';
    return (
      this.#byNamespace.get(namespace)?.find(matches) ??
      this.#leaving.get(namespace)?.guards.find(matches) ??
      this.#defined.find(matches)
    );
  }

  /** Takes no further DeletionGuards. */
  close(): void {
    this.#unsubscribe();
    for (const { cancel } of this.#leaving.values()) cancel();
    this.#leaving.clear();
  }

  #keep(namespace: string, former: readonly Guard[]): void {
    const current = new Set(this.#byNamespace.get(namespace)?.map(({ name }) => name));
    const gone = former.filter(({ name, policy }) => !current.has(name) && policy.onNamespaceDelete === 'Hold');
    if (gone.length === 0) return;
    const known = this.#leaving.get(namespace);
    known?.cancel();
    this.#leaving.set(namespace, {
      guards: [...(known?.guards ?? []), ...gone].sort(byName),
      cancel: () => undefined,
    });
    void this.#look(namespace);
  }

  /** Who cannot be asked may be deleting it. */
  async #look(namespace: string): Promise<void> {
    const { client, clock, log } = this.#options;
    const leaving = this.#leaving.get(namespace);
    if (leaving === undefined) return;
    let isLeaving = true;
    try {
      const address = { group: '', version: 'v1', resource: 'namespaces', name: namespace };
      isLeaving = (await client.get<Namespace>(address)).metadata?.deletionTimestamp !== undefined;
    } catch (error) {
      if (isNotFound(error)) isLeaving = false;
      else log.warn('a Namespace that lost DeletionGuards cannot be read; they stay in force', { namespace });
    }
    if (this.#leaving.get(namespace) !== leaving) return;
    if (isLeaving) leaving.cancel = clock.after(lookMilliseconds, () => void this.#look(namespace));
    else this.#leaving.delete(namespace);
  }
}

function guardOfObject({ namespace, name, selector, hook, policy }: DeletionGuard, hooks: Hooks): Guard {
  return {
    name: `${namespace}/${name}`,
    matches: ({ metadata }) => selector.matches(metadata?.labels),
    policy,
    hook: hooks.of(namespace, hook),
  };
}

function guardOfDefinition({ name, match, hook, policy }: GuardDefinition): Guard {
  return { name, matches: match, policy: resolveGuardPolicy(policy), hook };
}

function byName(one: Guard, other: Guard): number {
  return one.name < other.name ? -1 : one.name > other.name ? 1 : 0;
}
