import type { Status } from '../api/status.ts';
import type { JsonObject } from '../json/json-value.ts';
import { silentLogger, systemClock, type Clock, type Logger } from '../telemetry/index.ts';
import { withObject, type Attributes } from './attributes.ts';
import { AuditAnnotations, type AuditAnnotation } from './audit-annotations.ts';
import { noOpinionAuthorizer, type Authorizer } from './authorizer.ts';
import type { ClusterState } from './cluster-state.ts';
import type { ObjectInterfaces } from './object-interfaces.ts';
import type { AdmissionContext, AdmissionPlugin, AdmitResult, Refused, ValidateResult } from './plugin.ts';
import type { ChainEntry } from './plugin-registry.ts';
import { ReinvocationContext } from './reinvocation.ts';
import type { PluginStep, Step, Walk } from './step.ts';
import { Warnings } from './warnings.ts';

/** What a chain is made of. */
export interface AdmissionChainOptions {
  /** In the API server's order: {@link orderPlugins}. */
  readonly plugins: readonly ChainEntry[];
  readonly state: ClusterState;
  /** Knowledge of the requested type. */
  readonly objectInterfaces: (attributes: Attributes) => ObjectInterfaces;
  /** Default: has no opinion on anything. */
  readonly authorizer?: Authorizer;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Default: says nothing. */
  readonly logger?: Logger;
  /** Seconds for one request, all its webhooks together. Default: 34, the API server's. */
  readonly requestTimeoutSeconds?: number;
}

/** What the chain makes of a request. */
export interface Outcome {
  readonly allowed: boolean;
  /** What the client gets when not allowed. */
  readonly status?: Status;
  /** The object as it stood when the walks ended; on a refusal, as it stood then. Null where the request has none. */
  readonly object: JsonObject | null;
  /** Texts of the `Warning` headers, on a refusal too. */
  readonly warnings: readonly string[];
  readonly auditAnnotations: { readonly [key: string]: AuditAnnotation };
  /** Everything that was done, in order. */
  readonly steps: readonly Step[];
}

/** What stands between the two walks of a CREATE or UPDATE: preparing, defaulting and validating by type. */
export type BetweenWalks = (attributes: Attributes) => Attributes | Refused | Promise<Attributes | Refused>;

/** How one run differs from the usual one. */
export interface RunOptions {
  /** Aborted when the client goes away. Default: it stays. */
  readonly signal?: AbortSignal;
  /**
   * Called between the walks with what the mutating one made, to do what the API server does there and the engine does
   * not: set the name of a generateName, default, validate by schema. Default: nothing.
   */
  readonly betweenWalks?: BetweenWalks;
}

/**
 * The API server's admission chain: the mutating walk over all plug-ins, once more when one of them asks for it, then the
 * validating walk. The first refusal ends the run.
 *
 * Not copied: what the API server does with the object between the walks (see {@link RunOptions}) and after them. A
 * refused run gives no exception; what `run` throws is a fault of the engine or of what it was given.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/chain.go and reinvocation.go; the request's time is
 * pkg/endpoints/handlers/rest.go, requestTimeoutUpperBound.
 */
export class AdmissionChain {
  readonly #options: Required<AdmissionChainOptions>;

  constructor(options: AdmissionChainOptions) {
    this.#options = {
      authorizer: noOpinionAuthorizer,
      clock: systemClock,
      logger: silentLogger,
      requestTimeoutSeconds: 34,
      ...options,
    };
  }

  async run(attributes: Attributes, options: RunOptions = {}): Promise<Outcome> {
    return new Run(this.#options, attributes).run(options);
  }
}

class Run {
  readonly #options: Required<AdmissionChainOptions>;
  readonly #steps: Step[] = [];
  readonly #warnings = new Warnings();
  readonly #auditAnnotations = new AuditAnnotations();
  readonly #reinvocation = new ReinvocationContext();
  #attributes: Attributes;

  constructor(options: Required<AdmissionChainOptions>, attributes: Attributes) {
    this.#options = options;
    this.#attributes = attributes;
  }

  async run({ signal, betweenWalks }: RunOptions): Promise<Outcome> {
    const { clock, requestTimeoutSeconds } = this.#options;
    const abort = new AbortController();
    const deadline = clock.monotonic() + requestTimeoutSeconds * 1000;
    const stopTimer = clock.after(requestTimeoutSeconds * 1000, () => abort.abort());
    const onAbort = (): void => abort.abort();
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    try {
      return this.#outcome(await this.#walks(this.#context(deadline, abort.signal), betweenWalks));
    } finally {
      stopTimer();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async #walks(context: AdmissionContext, betweenWalks: BetweenWalks | undefined): Promise<Refused | undefined> {
    const refusal = await this.#admit(context);
    if (refusal !== undefined) return refusal;
    if (betweenWalks !== undefined) {
      const next = await betweenWalks(this.#attributes);
      if ('status' in next) return next;
      this.#attributes = next;
    }
    return this.#validate(context);
  }

  /** Source: pkg/admission/reinvocation.go, reinvoker.Admit: one second pass at most. */
  async #admit(context: AdmissionContext): Promise<Refused | undefined> {
    const refusal = await this.#admitOnce(context);
    if (refusal !== undefined || !this.#reinvocation.shouldReinvoke) return refusal;
    this.#reinvocation.startReinvocation();
    return this.#admitOnce(context);
  }

  async #admitOnce(context: AdmissionContext): Promise<Refused | undefined> {
    for (const plugin of this.#options.plugins) {
      const result = await this.#visit(plugin, 'admit', async (implemented) =>
        implemented.admit?.(this.#attributes, context),
      );
      if (result?.kind === 'refused') return result;
    }
    return undefined;
  }

  async #validate(context: AdmissionContext): Promise<Refused | undefined> {
    for (const plugin of this.#options.plugins) {
      const result = await this.#visit(plugin, 'validate', async (implemented) =>
        implemented.validate?.(this.#attributes, context),
      );
      if (result?.kind === 'refused') return result;
    }
    return undefined;
  }

  /** Asks one plug-in and writes the step, before the steps of the webhooks it called. */
  async #visit(
    plugin: ChainEntry,
    walk: Walk,
    ask: (plugin: AdmissionPlugin) => Promise<AdmitResult | ValidateResult | undefined>,
  ): Promise<AdmitResult | ValidateResult | undefined> {
    const { clock } = this.#options;
    const start = clock.monotonic();
    const position = this.#steps.length;
    const finish = (outcome: PluginStep['outcome']): void => {
      const round = this.#reinvocation.isReinvoke && walk === 'admit' ? 1 : 0;
      const milliseconds = clock.monotonic() - start;
      this.#steps.splice(position, 0, { kind: 'plugin', plugin: plugin.name, walk, round, outcome, milliseconds });
    };
    if ('notSimulated' in plugin) {
      // Nobody knows which of the walks it takes part in, so it is told once.
      if (walk === 'admit' && !this.#reinvocation.isReinvoke) finish({ kind: 'notSimulated' });
      return undefined;
    }
    if (plugin[walk] === undefined) return undefined;
    if (!plugin.handles(this.#attributes.operation)) {
      finish({ kind: 'notHandled' });
      return undefined;
    }
    const result = await ask(plugin);
    if (result === undefined) return undefined;
    const before = this.#attributes.object;
    if (result.kind === 'allowed' && 'object' in result) this.#attributes = withObject(this.#attributes, result.object);
    const after = this.#attributes.object;
    if (result.kind === 'refused') finish({ kind: 'refused', status: result.status });
    else finish(before === after ? { kind: 'allowed' } : { kind: 'changed', before, after });
    return result;
  }

  #context(deadline: number, signal: AbortSignal): AdmissionContext {
    const { state, clock, authorizer, logger, objectInterfaces } = this.#options;
    return {
      state,
      clock,
      authorizer,
      logger,
      warnings: this.#warnings,
      auditAnnotations: this.#auditAnnotations,
      reinvocation: this.#reinvocation,
      objectInterfaces: objectInterfaces(this.#attributes),
      deadline,
      signal,
      record: (step) => this.#steps.push(step),
    };
  }

  #outcome(refusal: Refused | undefined): Outcome {
    return {
      allowed: refusal === undefined,
      ...(refusal === undefined ? {} : { status: refusal.status }),
      object: this.#attributes.object,
      warnings: this.#warnings.texts,
      auditAnnotations: this.#auditAnnotations.entries,
      steps: this.#steps,
    };
  }
}
