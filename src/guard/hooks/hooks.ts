import type { Secret } from '../../api/generated/core.v1.ts';
import type { KubeClient } from '../../kube/index.ts';
import type { Clock } from '../../telemetry/index.ts';
import type { GuardHook } from '../hook.ts';
import { GuardHookError } from './hook-error.ts';
import type { HookSpec, HttpHookSpec } from './hook-spec.ts';
import { HttpHook } from './http-hook.ts';
import { JobHook } from './job-hook.ts';

export interface HooksOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
}

/** Makes hooks of what DeletionGuards say, and keeps their connections. */
export class Hooks {
  readonly #options: HooksOptions;
  readonly #http = new Map<string, HttpHook>();

  constructor(options: HooksOptions) {
    this.#options = options;
  }

  /** The hook of a guard in `namespace`. Equal specs share their connections. */
  of(namespace: string, { http, job }: HookSpec): GuardHook {
    const { client, clock } = this.#options;
    if (job !== undefined) return new JobHook({ client, namespace, spec: job });
    // The schema lets exactly one of the two through.
    if (http === undefined) throw new RangeError('a hook is http or job');
    const identity = JSON.stringify([namespace, http]);
    const known = this.#http.get(identity);
    if (known !== undefined) return known;
    const hook = new HttpHook({ spec: http, secret: (signal) => this.#secret(namespace, http, signal), clock });
    this.#http.set(identity, hook);
    return hook;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#http.values()].map((hook) => hook.close()));
  }

  /** Read at each call: a Secret may be rotated, and calls are few. */
  async #secret(namespace: string, { secretRef }: HttpHookSpec, signal: AbortSignal): Promise<string | undefined> {
    if (secretRef === undefined) return undefined;
    const { name, key } = secretRef;
    const address = { group: '', version: 'v1', resource: 'secrets', namespace, name } as const;
    const secret = await this.#options.client.get<Secret>(address, { signal });
    const value = secret.data?.[key];
    if (value === undefined || value === '') {
      throw new GuardHookError(`Secret ${namespace}/${name} has no key "${key}"; it signs the calls of the hook`);
    }
    return Buffer.from(value, 'base64').toString();
  }
}
