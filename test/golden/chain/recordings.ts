import { readFileSync, writeFileSync } from 'node:fs';
import type { Recording, World } from './scenario.ts';
import { sections } from './worlds/index.ts';

/** One file of recordings and the worlds in it. */
export interface RecordingFile {
  readonly file: string;
  readonly worlds: readonly World[];
}

/** Every recording there is to be. */
export function recordingsOf(): RecordingFile[] {
  return Object.entries(sections).map(([file, worlds]) => ({ file, worlds }));
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
