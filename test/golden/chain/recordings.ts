import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Recorded, Recording, World } from './scenario.ts';
import { sections } from './worlds/index.ts';

/** One file of recordings and the worlds in it. */
export interface RecordingFile {
  readonly file: string;
  readonly worlds: readonly World[];
  /** What is kept of each request. */
  readonly keep: (recorded: Recorded) => Recorded;
}

/** Every recording there is to be. */
export function recordingsOf(): RecordingFile[] {
  return Object.entries(sections).map(([file, worlds]) => ({
    file,
    worlds,
    keep: brief.has(file) ? briefly : (recorded) => recorded,
  }));
}

/** Files whose thousand requests differ in their answers and not in what is sent. */
const brief = new Set(['answers', 'generated']);

/** The same facts with digests in the place of what is long: no less is compared, only less can be read. */
function briefly(recorded: Recorded): Recorded {
  const { auditAnnotations } = recorded;
  return {
    ...recorded,
    calls: recorded.calls.map(({ webhook, review }) => ({ webhook, review: { digest: digestOf(review) } })),
    auditAnnotations: Object.keys(auditAnnotations).length === 0 ? {} : { digest: digestOf(auditAnnotations) },
  };
}

function digestOf(value: object): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}

export function readRecording(file: string): Recording {
  return JSON.parse(readFileSync(urlOf(file), 'utf8')) as Recording;
}

/** One line for each world, so that a difference between two recordings is read world by world. */
export function writeRecording(file: string, { kubernetesVersion, worlds }: Recording): void {
  const lines = worlds.map((world) => JSON.stringify(world));
  writeFileSync(urlOf(file), `{"kubernetesVersion":"${kubernetesVersion}","worlds":[\n${lines.join(',\n')}\n]}\n`);
}

function urlOf(file: string): URL {
  return new URL(`recordings/${file}.json`, import.meta.url);
}
