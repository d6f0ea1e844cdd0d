import { z } from 'zod';
import { LabelSelectorError, parseLabelSelector, type LabelMatcher } from '../api/label-selector.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import type { ObjectKind, ParsedObject } from '../kube/index.ts';
import { guardPolicySchema, type GuardPolicy } from './guard-policy.ts';
import { hookSpecSchema, type HookSpec } from './hooks/hook-spec.ts';

/** A DeletionGuard as it was read and checked. */
export interface DeletionGuard {
  readonly namespace: string;
  readonly name: string;
  /** Of Pods in its namespace. */
  readonly selector: LabelMatcher;
  readonly hook: HookSpec;
  readonly policy: GuardPolicy;
}

const deletionGuardSchema = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string() }),
  spec: guardPolicySchema.extend({ selector: z.looseObject({}), hook: hookSpecSchema }),
});

/** The kind for an ObjectSource. */
export const deletionGuardKind: ObjectKind<DeletionGuard> = {
  group: 'guard.sallyport.dev',
  version: 'v1alpha1',
  resource: 'deletionguards',
  kind: 'DeletionGuard',
  parse: parseDeletionGuard,
};

function parseDeletionGuard(object: KubernetesObject): ParsedObject<DeletionGuard> {
  const read = deletionGuardSchema.safeParse(object);
  if (!read.success) return { problems: read.error.issues };
  const { namespace, name } = read.data.metadata;
  const { selector: written, hook, ...policy } = read.data.spec;
  const selector = readSelector(written);
  if (typeof selector === 'string') return { problems: [{ path: ['spec', 'selector'], message: selector }] };
  return { object: { namespace, name, selector, hook, policy } };
}

/** The matcher, or what is wrong. */
function readSelector(written: object): LabelMatcher | string {
  try {
    // The parser checks what it reads.
    const selector = parseLabelSelector(written);
    return selector.isEmpty ? 'is empty: it would guard every Pod of the namespace' : selector;
  } catch (error) {
    if (error instanceof LabelSelectorError) return error.message;
    throw error;
  }
}
