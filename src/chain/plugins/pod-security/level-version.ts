/** How much a policy forbids, from nothing to most. */
export const levels = ['privileged', 'baseline', 'restricted'] as const;
export type Level = (typeof levels)[number];

/** The Kubernetes release whose rules a policy follows: `v1.28`, without leading zeros, or `latest`. */
export type Version = 'latest' | `v1.${string}`;

export interface LevelVersion {
  readonly level: Level;
  readonly version: Version;
}

/** What is wrong with a text that {@link parseLevel} does not take. */
export const levelProblem = `must be one of ${levels.join(', ')}`;

/** What is wrong with a text that {@link parseVersion} does not take. */
export const versionProblem = 'must be "latest" or "v1.x"';

/** Undefined when it is none. Source of this and all below: api/helpers.go. */
export function parseLevel(text: string): Level | undefined {
  return levels.find((level) => level === text);
}

/** Undefined when it is none. */
export function parseVersion(text: string): Version | undefined {
  if (text === 'latest') return 'latest';
  const minor = /^v1\.(0|[1-9][0-9]*)$/.exec(text)?.[1];
  if (minor === undefined || BigInt(minor) > maxInt) return undefined;
  return `v1.${minor}`;
}

/** `restricted:latest`, `baseline:v1.28`. */
export function formatLevelVersion({ level, version }: LevelVersion): string {
  return `${level}:${version}`;
}

/** Negative when `a` is less strict than `b`, positive when it is stricter. */
export function compareLevels(a: Level, b: Level): number {
  return levels.indexOf(a) - levels.indexOf(b);
}

export function equalLevelVersions(a: LevelVersion, b: LevelVersion): boolean {
  return a.level === b.level && a.version === b.version;
}

/** 28 of `v1.28`; larger than any of `latest`. */
export function minorOf(version: Version): number {
  return version === 'latest' ? Infinity : Number(version.slice('v1.'.length));
}

/** Go's strconv.Atoi takes no more. */
const maxInt = 2n ** 63n - 1n;
