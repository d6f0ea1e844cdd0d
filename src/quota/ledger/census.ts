/**
 * How far the gate of one cluster has come in telling the ledger all that a quota counts there. It is kept beside the quota
 * from when that gate holds itself to it until it does not any more.
 *
 * That something is charged shows nothing: the count may have ended after its first objects.
 */
export interface Census {
  /** Names what is counted; equal when the same objects count towards the same names. `''`: the quota counts nothing here. */
  readonly signature: string;
  /** Another one whenever the count has begun anew. */
  readonly stamp: string;
  /** Resources of which every object is charged. */
  readonly resources: ReadonlySet<string>;
  /** The cluster as quotas selected it when the count began. */
  readonly facts: ClusterFacts;
}

/** A cluster as quotas select it. */
export interface ClusterFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** By the id of the cluster. */
export type Censuses = ReadonlyMap<string, Census>;

export function readCensuses(text: string | null): Censuses {
  // Written by writeCensuses.
  const body = JSON.parse(text ?? '{}') as CensusesBody;
  return new Map(
    Object.entries(body).map(([cluster, [signature, stamp, resources, name, labels]]) => {
      return [cluster, { signature, stamp, resources: new Set(resources), facts: { name, labels } }];
    }),
  );
}

/** Null when there are none. */
export function writeCensuses(censuses: Censuses): string | null {
  if (censuses.size === 0) return null;
  const body: CensusesBody = Object.fromEntries(
    [...censuses].map(([cluster, { signature, stamp, resources, facts }]) => {
      return [cluster, [signature, stamp, [...resources], facts.name, facts.labels]];
    }),
  );
  return JSON.stringify(body);
}

interface CensusesBody {
  readonly [cluster: string]: readonly [
    signature: string,
    stamp: string,
    resources: readonly string[],
    name: string,
    labels: Readonly<Record<string, string>>,
  ];
}
