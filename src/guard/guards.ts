import type { Pod } from '../api/generated/core.v1.ts';
import type { ObjectSource } from '../kube/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { GuardDefinition } from './definition.ts';
import type { DeletionGuard } from './deletion-guard.ts';
import { GuardsUnknownError, InvalidGuardPolicyError } from './errors.ts';
import type { Guard, GuardSet } from './guard.ts';
import { resolveGuardPolicy } from './guard-policy.ts';
import type { Hooks } from './hooks/hooks.ts';

export interface GuardsOptions {
  /** DeletionGuards; started and stopped by the caller. */
  readonly source: ObjectSource<DeletionGuard>;
  /** Guards in TypeScript. */
  readonly definitions: readonly GuardDefinition[];
  readonly hooks: Hooks;
  readonly log: Logger;
}

/**
 * All guards in force: DeletionGuards and those of users' files. Of several that match one Pod the first by name holds it.
 *
 * Throws {@link InvalidGuardPolicyError} for a definition that cannot come into force, or two of one name. What is wrong
 * with a DeletionGuard is logged; what was good before stays in force.
 */
export class Guards implements GuardSet {
  readonly #defined: readonly Guard[];
  readonly #source: ObjectSource<DeletionGuard>;
  readonly #byNamespace = new Map<string, readonly Guard[]>();
  readonly #unsubscribe: () => void;

  constructor({ source, definitions, hooks, log }: GuardsOptions) {
    this.#source = source;
    this.#defined = definitions.map(guardOfDefinition).sort(byName);
    const twice = this.#defined.find(({ name }, index) => this.#defined[index + 1]?.name === name);
    if (twice !== undefined) throw new InvalidGuardPolicyError([`name: "${twice.name}" is taken by another guard`]);
    this.#unsubscribe = source.subscribe(({ objects, problems }) => {
      for (const { origin, message, keepsFormer } of problems) log.warn(message, { origin, keepsFormer });
      this.#byNamespace.clear();
      const guards = objects.map(({ object }) => object);
      for (const [namespace, own] of Map.groupBy(guards, (guard) => guard.namespace)) {
        this.#byNamespace.set(namespace, own.map((guard) => guardOfObject(guard, hooks)).sort(byName));
      }
    });
  }

  /** Throws {@link GuardsUnknownError} before the DeletionGuards were read once: nobody can tell then. */
  guardOf(pod: Pod): Guard | undefined {
    if (this.#source.current === undefined) throw new GuardsUnknownError();
    const matches = (guard: Guard): boolean => guard.matches(pod);
    const own = this.#byNamespace.get(pod.metadata?.namespace ?? '')?.find(matches);
    return own ?? this.#defined.find(matches);
  }

  /** Takes no further DeletionGuards. */
  close(): void {
    this.#unsubscribe();
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
