import { readFileSync, writeFileSync } from 'node:fs';
import type { PluginRecording } from './world.ts';

export function readRecording(world: string): PluginRecording {
  return JSON.parse(readFileSync(urlOf(world), 'utf8')) as PluginRecording;
}

/** One line for each request, so that a difference between two recordings is read request by request. */
export function writeRecording(world: string, { kubernetesVersion, requests }: PluginRecording): void {
  const lines = requests.map((request) => JSON.stringify(request));
  writeFileSync(urlOf(world), `{"kubernetesVersion":"${kubernetesVersion}","requests":[\n${lines.join(',\n')}\n]}\n`);
}

function urlOf(world: string): URL {
  return new URL(`recordings/${world}.json`, import.meta.url);
}
