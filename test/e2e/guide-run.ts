import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { expect } from 'vitest';
import { requireBinaries } from '../../src/testing/control-plane/binaries.ts';
import { findFreePort } from '../../src/testing/control-plane/free-port.ts';
import { ControlPlane } from '../../src/testing/control-plane/index.ts';
import { parseMarkdownSteps, type GuideStep } from '../guide-steps.ts';
import { Background } from './background.ts';
import { until } from './until.ts';

const root = resolve(import.meta.dirname, '../..');

type Command = GuideStep & { readonly kind: 'command' };

/** The steps of a page of docs/guides, each with its name for `it.each`. */
export function stepsOf(page: string): { readonly step: GuideStep; readonly name: string }[] {
  return parseMarkdownSteps(readFileSync(join(root, 'docs/guides', page), 'utf8')).map((step) => ({
    step,
    name: `line ${step.line}: ${step.text.split('\n')[0] ?? ''}`,
  }));
}

/** Runs the steps of a guide about quota: real clusters, and a folder for each place that the guide speaks of. */
export class GuideRun {
  readonly #folder = mkdtempSync(join(tmpdir(), 'sallyport-guide-'));
  readonly #planes = new Map<string, ControlPlane>();
  readonly #processes = new Map<string, Background>();
  /** What stands in the guide, and what this machine has in its place. */
  readonly #replacements: [string, string][];

  private constructor(replacements: readonly [string, string][]) {
    this.#replacements = [...replacements];
  }

  /** `elsewhere` are places without a cluster of their own: their commands reach the first one. */
  static async open(options: {
    readonly clusters: readonly string[];
    readonly elsewhere?: readonly string[];
    readonly replacements: readonly [string, string][];
  }): Promise<GuideRun> {
    const run = new GuideRun(options.replacements);
    try {
      await run.#open(options.clusters, options.elsewhere ?? []);
      return run;
    } catch (error) {
      await run.close();
      throw error;
    }
  }

  async #open(clusters: readonly string[], elsewhere: readonly string[]): Promise<void> {
    const program = join(this.#folder, 'sallyport');
    const main = join(root, 'src/cli/main.ts');
    writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" --conditions=sallyport-source "${main}" "$@"\n`);
    chmodSync(program, 0o755);
    for (const cluster of clusters) {
      mkdirSync(join(this.#folder, cluster));
      const plane = await ControlPlane.start();
      this.#planes.set(cluster, plane);
      this.#replacements.push([`gate.${cluster}.example.com:8443`, `127.0.0.1:${await findFreePort()}`]);
      this.#replacements.push([`/etc/sallyport/${cluster}.kubeconfig`, plane.kubeconfig]);
    }
    const [first] = this.#planes.values();
    for (const place of elsewhere) {
      mkdirSync(join(this.#folder, place));
      if (first !== undefined) this.#planes.set(place, first);
    }
  }

  async close(): Promise<void> {
    for (const process of this.#processes.values()) await process.stop();
    for (const plane of this.#planes.values()) await plane.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async run(step: GuideStep): Promise<void> {
    if (step.kind === 'file') this.#write(step);
    else if (step.isBackground) await this.#start(step);
    else if (step.expected === undefined) await this.#execute(step);
    else if (step.isRepeated) await this.#repeat(step, patternOf(step.expected));
    else expect(await this.#execute(step, true)).toMatch(patternOf(step.expected));
  }

  #write({ path, text }: GuideStep & { kind: 'file' }): void {
    const cluster = dirname(path);
    const [, address = ''] = this.#replacements.find(([from]) => from.includes(`gate.${cluster}.`)) ?? [];
    const ports = `port: ${address.split(':')[1] ?? ''}, healthPort: 0`;
    writeFileSync(join(this.#folder, path), this.#replaced(text.replace('port: 8443, healthPort: 8080', ports)));
  }

  async #start(step: Command): Promise<void> {
    await this.#processes.get(step.cluster)?.stop();
    const child = this.#planeOf(step).spawn(['bash', '-c', `exec ${step.text.trim()}`], {
      cwd: join(this.#folder, step.cluster),
      stdio: ['ignore', 'pipe', 'pipe'],
      env: this.#environment(),
    });
    const process = new Background(child);
    this.#processes.set(step.cluster, process);
    await process.waitForLine(step.text.startsWith('sallyport serve') ? /quota is enforced/ : /serving/);
  }

  async #execute(step: Command, mayFail = false): Promise<string> {
    const script = `cd "${join(this.#folder, step.cluster)}"\n${mayFail ? '' : 'set -e\n'}${this.#replaced(step.text)}`;
    const { stdout, stderr, code } = await this.#planeOf(step).exec(['bash', '-c', `exec 2>&1\n${script}`], {
      environment: this.#environment(),
    });
    if (!mayFail) expect(code, stdout + stderr).toBe(0);
    return stdout + stderr;
  }

  async #repeat(step: Command, expected: RegExp): Promise<void> {
    let output = '';
    const isSaid = async (): Promise<boolean> => expected.test((output = await this.#execute(step, true)));
    // What it says in the end tells more than that it took too long.
    await until(isSaid, 40).catch(() => expect(output).toMatch(expected));
  }

  #replaced(text: string): string {
    return this.#replacements.reduce((before, [from, to]) => before.replaceAll(from, to), text);
  }

  #planeOf({ cluster }: Command): ControlPlane {
    const plane = this.#planes.get(cluster);
    if (plane === undefined) throw new Error(`the guide speaks of a cluster ${cluster}`);
    return plane;
  }

  /** kubectl is that of the control plane. */
  #environment(): { PATH: string } {
    return { PATH: [this.#folder, requireBinaries(['kubectl'], process.env), process.env['PATH']].join(delimiter) };
  }
}

/** Lines in this order, others between them; `…` stands for anything, and so much space for any. */
function patternOf(expected: string): RegExp {
  const lines = expected.trim().split('\n');
  const escaped = lines.map((line) =>
    line
      .trim()
      .split('…')
      .map((part) =>
        part
          .split(/\s+/)
          .map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
          .join('\\s+'),
      )
      .join('.*'),
  );
  return new RegExp(escaped.join('[\\s\\S]*?'));
}
