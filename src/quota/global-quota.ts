import { z } from 'zod';
import { parseLabelSelector, LabelSelectorError, type LabelMatcher } from '../api/label-selector.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import { Quantity, QuantityError } from '../api/quantity.ts';
import type { ObjectKind, ParsedObject } from '../kube/index.ts';
import type { QuotaScopes, ResourceList } from '../usage/index.ts';
import { hardNameProblem, scopeProblem } from './hard-names.ts';

/**
 * One number for a team over namespaces and clusters: `quota.sallyport.dev/v1alpha1` GlobalQuota, checked and with every
 * default filled in. Cluster-scoped.
 */
export interface GlobalQuota {
  readonly name: string;
  /** What the ledger knows it by: the uid, or the name of one from a file. */
  readonly id: string;
  /** Rises with every change of the spec; 0 for objects from files. */
  readonly generation: number;
  /** The most that may be there, by resource name: ResourceQuota's names and meaning. Never empty. */
  readonly hard: ResourceList;
  readonly scopes: QuotaScopes;
  readonly clusters: Selection;
  readonly namespaces: Selection;
  /** The most that any one cluster may have of it. */
  readonly perCluster: ResourceList;
  /** The most that any one namespace of any one cluster may have of it. */
  readonly perNamespace: ResourceList;
  /** `warn` and `audit` count and tell, and refuse nothing. */
  readonly mode: 'enforce' | 'warn' | 'audit';
  /** What becomes of a write when the ledger cannot be asked. */
  readonly onFault: 'refuse' | 'allow';
  /** A write that brings a resource to this share of its limit is warned of; 0 never warns. */
  readonly warnAtPercent: number;
}

/** Names, or labels, or everything. An object is selected when either says so. */
export interface Selection {
  readonly names: ReadonlySet<string>;
  readonly labels: LabelMatcher | undefined;
  readonly isEverything: boolean;
}

export function selects(selection: Selection, name: string, labels: KubernetesLabels): boolean {
  return selection.isEverything || selection.names.has(name) || selection.labels?.matches(labels) === true;
}

type KubernetesLabels = { readonly [key: string]: string } | undefined;

const quantity = z.union([z.string(), z.number()]);
const resourceList = z.record(z.string(), quantity).refine((list) => Object.keys(list).length > 0, {
  error: 'names no resource; expected at least one, such as requests.cpu: "400"',
});
const requirement = z.strictObject({
  key: z.string(),
  operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
  values: z.array(z.string()).optional(),
});
const labelSelector = z.strictObject({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z.array(requirement).optional(),
});
const selection = z
  .strictObject({ names: z.array(z.string().min(1)).optional(), selector: labelSelector.optional() })
  .refine(({ names, selector }) => names !== undefined || selector !== undefined, {
    error: 'selects nothing; expected names, a selector, or both (leave it out for all)',
  });

const spec = z.strictObject({
  hard: resourceList,
  scopes: z.array(z.string()).optional(),
  scopeSelector: z
    .strictObject({
      matchExpressions: z.array(
        z.strictObject({
          scopeName: z.string(),
          operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
          values: z.array(z.string()).optional(),
        }),
      ),
    })
    .optional(),
  clusters: selection.optional(),
  namespaces: selection.optional(),
  perCluster: resourceList.optional(),
  perNamespace: resourceList.optional(),
  mode: z.enum(['enforce', 'warn', 'audit']).default('enforce'),
  onFault: z.enum(['refuse', 'allow']).default('refuse'),
  warnAtPercent: z.int().min(0).max(100).default(80),
});

/** Slashes part an account's name from the ceilings below it, and commas the parts of a message; DNS names have neither. */
const metadata = z.looseObject({
  name: z.string().regex(/^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/, 'expected a DNS name such as "team-a"'),
  uid: z.string().optional(),
  generation: z.number().optional(),
});

const schema = z.looseObject({ metadata, spec });

/** The kind as an ObjectSource takes it; its problems name field and expectation. */
export const globalQuotaKind: ObjectKind<GlobalQuota> = {
  group: 'quota.sallyport.dev',
  version: 'v1alpha1',
  resource: 'globalquotas',
  kind: 'GlobalQuota',
  parse: parseGlobalQuota,
};

function parseGlobalQuota(object: KubernetesObject): ParsedObject<GlobalQuota> {
  const parsed = schema.safeParse(object);
  if (!parsed.success) return { problems: parsed.error.issues.map(({ path, message }) => ({ path, message })) };
  const { metadata: meta, spec: body } = parsed.data;
  const problems: FieldProblem[] = [];
  const complain: Complain = (path, message) => problems.push({ path: ['spec', ...path], message });
  const hard = readLimits('hard', body.hard, complain);
  const scopes: QuotaScopes = {
    ...(body.scopes !== undefined && { scopes: body.scopes }),
    ...(body.scopeSelector !== undefined && { scopeSelector: body.scopeSelector }),
  };
  const scopesAt = scopeProblem(scopes, [...hard.keys()]);
  if (scopesAt !== undefined) complain(scopesAt.path, scopesAt.message);
  const quota: GlobalQuota = {
    name: meta.name,
    id: meta.uid ?? meta.name,
    generation: meta.generation ?? 0,
    hard,
    scopes,
    clusters: readSelection('clusters', body.clusters, complain),
    namespaces: readSelection('namespaces', body.namespaces, complain),
    perCluster: readCeiling('perCluster', body.perCluster, hard, complain),
    perNamespace: readCeiling('perNamespace', body.perNamespace, hard, complain),
    mode: body.mode,
    onFault: body.onFault,
    warnAtPercent: body.warnAtPercent,
  };
  return problems.length > 0 ? { problems } : { object: quota };
}

interface FieldProblem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}
type Complain = (path: readonly PropertyKey[], message: string) => void;

type Limits = z.output<typeof resourceList>;

function readLimits(field: string, body: Limits, complain: Complain): ResourceList {
  const limits = new Map<string, Quantity>();
  for (const [name, value] of Object.entries(body)) {
    const problem = hardNameProblem(name);
    if (problem !== undefined) complain([field, name], problem);
    const limit = readQuantity(value);
    if (limit === undefined) {
      complain([field, name], `${JSON.stringify(value)} is no quantity; expected such as "400", "500m" or "2Ti"`);
    } else if (limit.sign() < 0) {
      complain([field, name], `${String(value)} is negative; expected 0 or more`);
    } else {
      limits.set(name, limit);
    }
  }
  return limits;
}

function readQuantity(value: unknown): Quantity | undefined {
  try {
    return Quantity.fromJson(value);
  } catch (error) {
    if (error instanceof QuantityError) return undefined;
    throw error;
  }
}

/** A ceiling bounds what the quota counts, and no more than that. */
function readCeiling(field: string, body: Limits | undefined, hard: ResourceList, complain: Complain): ResourceList {
  if (body === undefined) return new Map();
  const limits = readLimits(field, body, complain);
  for (const name of limits.keys()) {
    if (!hard.has(name)) complain([field, name], `is not in spec.hard, which has ${[...hard.keys()].join(', ')}`);
  }
  return limits;
}

const everything: Selection = { names: new Set(), labels: undefined, isEverything: true };

function readSelection(
  field: string,
  body: { readonly names?: readonly string[] | undefined; readonly selector?: unknown } | undefined,
  complain: Complain,
): Selection {
  if (body === undefined) return everything;
  const names = new Set(body.names);
  if (body.selector === undefined) return { names, labels: undefined, isEverything: false };
  try {
    // The schema has checked its form.
    const labels = parseLabelSelector(body.selector);
    return { names, labels, isEverything: false };
  } catch (error) {
    if (!(error instanceof LabelSelectorError)) throw error;
    complain([field, 'selector'], error.message);
    return { names, labels: undefined, isEverything: false };
  }
}
