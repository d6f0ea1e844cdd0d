import { type FSWatcher, watch } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseManifests } from '../api/manifest.ts';
import { formatApiVersion } from '../api/resource.ts';
import { type Clock, systemClock } from '../telemetry/clock.ts';
import { type Logger, silentLogger } from '../telemetry/logger.ts';
import { lineOfField } from './line-of-field.ts';
import { type Finding, LastGoodSet } from './last-good-set.ts';
import {
  describeFieldProblem,
  type ObjectKind,
  type ObjectSet,
  type ObjectSource,
  parseObject,
  type SourcedObject,
} from './object-source.ts';

export interface FolderObjectSourceOptions<T> {
  /** Its files ending in .yaml, .yml and .json are read; folders in it are not. */
  readonly folder: string;
  /** A file with an object of any other kind is refused. */
  readonly kinds: readonly ObjectKind<T>[];
  /** How often to look even if the file system has told nothing, as on some network volumes. Default: 10. */
  readonly pollSeconds?: number | undefined;
  readonly clock?: Clock | undefined;
  /** Default: silent. */
  readonly logger?: Logger | undefined;
}

/** Editors write a file in several steps, the kubelet swaps a mounted ConfigMap in several; what follows within this time is one change. */
const settleMilliseconds = 100;

const manifestPattern = /\.(?:ya?ml|json)$/;

/**
 * Objects from a folder of YAML. The unit is the file: if anything in it is wrong, all its former objects stay in
 * force. An object that two files define is a problem of the second one, in order of their names.
 */
export function folderObjectSource<T>(options: FolderObjectSourceOptions<T>): ObjectSource<T> {
  return new FolderObjectSource(options);
}

/** What a file holds when nothing is wrong with it. */
interface GoodFile<T> {
  readonly kind: 'good';
  readonly objects: readonly (SourcedObject<T> & { readonly identity: string })[];
}
type FileFinding<T> = GoodFile<T> | Extract<Finding<T>, { kind: 'bad' }>;

class FolderObjectSource<T> implements ObjectSource<T> {
  readonly #folder: string;
  readonly #kinds: readonly ObjectKind<T>[];
  readonly #pollMilliseconds: number;
  readonly #clock: Clock;
  readonly #set: LastGoodSet<T>;
  /** Each file as last read. */
  #files = new Map<string, { readonly text: string; readonly finding: FileFinding<T> }>();
  /** What each file defines that is in force, with where. */
  readonly #inForce = new Map<string, ReadonlyMap<string, string>>();
  #watcher: FSWatcher | undefined;
  #cancelLook: (() => void) | undefined;
  #looking: Promise<void> | undefined;
  #changedMeanwhile = false;
  #lastContact: number | undefined;
  #state: 'new' | 'running' | 'stopped' = 'new';

  constructor(options: FolderObjectSourceOptions<T>) {
    this.#folder = options.folder;
    this.#kinds = options.kinds;
    this.#pollMilliseconds = (options.pollSeconds ?? 10) * 1000;
    this.#clock = options.clock ?? systemClock;
    this.#set = new LastGoodSet((options.logger ?? silentLogger).child({ folder: options.folder }));
  }

  get current(): ObjectSet<T> | undefined {
    return this.#set.current;
  }

  get lastContact(): number | undefined {
    return this.#lastContact;
  }

  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'running';
    this.#look();
  }

  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#set.clearListeners();
    this.#cancelLook?.();
    this.#watcher?.close();
    await this.#looking;
  }

  waitForSync(signal?: AbortSignal): Promise<void> {
    return this.#set.waitForFirst(signal);
  }

  subscribe(listener: (set: ObjectSet<T>) => void): () => void {
    return this.#set.subscribe(listener);
  }

  #look(): void {
    // Before reading, so that no change falls between the two.
    this.#watchFolder();
    this.#changedMeanwhile = false;
    this.#looking = this.#read().finally(() => {
      this.#looking = undefined;
      this.#lookIn(this.#changedMeanwhile ? settleMilliseconds : this.#pollMilliseconds);
    });
  }

  #lookIn(delayMilliseconds: number): void {
    this.#cancelLook?.();
    if (this.#state === 'running') this.#cancelLook = this.#clock.after(delayMilliseconds, () => this.#look());
  }

  #noteChange(): void {
    if (this.#looking === undefined) this.#lookIn(settleMilliseconds);
    else this.#changedMeanwhile = true;
  }

  /** Anew at each look: the watch of a folder that was removed or replaced tells nothing any more, and does not say so. */
  #watchFolder(): void {
    const former = this.#watcher;
    try {
      const watcher = watch(this.#folder, { persistent: false }, () => this.#noteChange());
      watcher.on('error', () => watcher.close());
      this.#watcher = watcher;
    } catch {
      // Not there: reading says so, and the next look tries again.
      this.#watcher = undefined;
    }
    former?.close();
  }

  async #read(): Promise<void> {
    let texts: Map<string, string>;
    try {
      texts = await readTexts(this.#folder);
    } catch (error) {
      if (this.#state !== 'running') return;
      const message = `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
      this.#set.put('', { kind: 'bad', problems: [{ origin: this.#folder, message }] });
      this.#set.publish();
      return;
    }
    if (this.#state !== 'running') return;
    this.#lastContact = this.#clock.now();
    const before = this.#files;
    const files = [...texts].sort(([left], [right]) => (left < right ? -1 : 1));
    const isSame = files.length === before.size && files.every(([file, text]) => before.get(file)?.text === text);
    const wasReadable = this.#set.current !== undefined && !this.#set.unitNames().includes('');
    if (isSame && wasReadable) return;
    this.#files = new Map(
      files.map(([file, text]) => {
        const known = before.get(file);
        return [file, known?.text === text ? known : { text, finding: this.#parseFile(file, text) }];
      }),
    );
    this.#publish();
  }

  /** Puts the files together: an object that an earlier file has defined is a problem of the later one. */
  #publish(): void {
    for (const unit of this.#set.unitNames()) {
      if (this.#files.has(unit)) continue;
      this.#set.remove(unit);
      this.#inForce.delete(unit);
    }
    const definedAt = new Map<string, string>();
    for (const [file, { finding }] of this.#files) {
      const result = finding.kind === 'good' ? refuseRepeated(finding, definedAt) : finding;
      this.#set.put(file, result);
      if (result.kind === 'good') {
        this.#inForce.set(file, new Map(result.objects.map(({ identity, origin }) => [identity, origin])));
      }
      for (const [identity, origin] of this.#inForce.get(file) ?? []) definedAt.set(identity, origin);
    }
    this.#set.publish();
  }

  #parseFile(file: string, text: string): FileFinding<T> {
    const { manifests, problems: syntaxProblems } = parseManifests(text, file);
    const problems = syntaxProblems.map(({ line, message }) => ({ origin: `${file}:${line}`, message }));
    const objects: GoodFile<T>['objects'][number][] = [];
    for (const manifest of manifests) {
      const origin = `${file}:${manifest.line}`;
      const { kind, object } = manifest;
      const known = this.#kinds.find(
        (each) => each.kind === kind.kind && formatApiVersion(each) === formatApiVersion(kind),
      );
      const { name, namespace = '' } = object.metadata ?? {};
      if (known === undefined) {
        const expected = this.#kinds.map((each) => `${each.kind} (${formatApiVersion(each)})`).join(' or ');
        problems.push({
          origin,
          message: `${kind.kind} (${formatApiVersion(kind)}) does not belong here; expected ${expected}`,
        });
      } else if (typeof name !== 'string' || name === '') {
        problems.push({ origin, message: 'metadata.name is missing' });
      } else {
        const parsed = parseObject(known, object);
        const identity = `${kind.kind} ${namespace === '' ? '' : `${namespace}/`}${name}`;
        if ('object' in parsed) objects.push({ object: parsed.object, origin, identity });
        else {
          for (const problem of parsed.problems) {
            const line = lineOfField(text, manifest.line, problem.path);
            problems.push({ origin: `${file}:${line}`, message: describeFieldProblem(problem) });
          }
        }
      }
    }
    // As seen while an editor writes it anew: who wants the objects gone removes the file.
    if (manifests.length === 0 && problems.length === 0) problems.push({ origin: file, message: 'holds no object' });
    return problems.length > 0 ? { kind: 'bad', problems } : { kind: 'good', objects };
  }
}

/** `definedAt` says where objects stand already. */
function refuseRepeated<T>(file: GoodFile<T>, definedAt: ReadonlyMap<string, string>): FileFinding<T> {
  const seen = new Map(definedAt);
  const problems: { origin: string; message: string }[] = [];
  for (const { identity, origin } of file.objects) {
    const other = seen.get(identity);
    if (other !== undefined) problems.push({ origin, message: `${identity} is defined at ${other} already` });
    else seen.set(identity, origin);
  }
  return problems.length > 0 ? { kind: 'bad', problems } : file;
}

/** Texts of the manifest files in a folder, by path. A file that vanishes meanwhile is left out. */
async function readTexts(folder: string): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    // Files of a mounted ConfigMap are symbolic links.
    if (entry.isDirectory() || !manifestPattern.test(entry.name)) continue;
    const path = join(folder, entry.name);
    try {
      texts.set(path, await readFile(path, 'utf8'));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  return texts;
}
