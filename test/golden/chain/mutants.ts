import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { readRecording, recordingsOf } from './recordings.ts';
import { replay, type Engine } from './replay.ts';

/** One fault, put into a copy of the engine's source. */
export interface Fault {
  readonly name: string;
  /** Below src/chain. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly find: string;
  readonly replace: string;
  /** The recordings that will notice, looked at first to save time. */
  readonly noticedIn: string;
}

export const faults: readonly Fault[] = [
  {
    name: 'what the mutating walk made goes to the validating webhooks unchecked',
    file: 'chain.ts',
    find: "if ('status' in next) return next;",
    replace: "if ('status' in next) return this.#validate(context);",
    noticedIn: 'order',
  },
  {
    name: 'no second pass over the mutating plug-ins',
    file: 'chain.ts',
    find: '|| !this.#reinvocation.shouldReinvoke) return refusal;',
    replace: '|| this.#reinvocation !== undefined) return refusal;',
    noticedIn: 'reinvocation',
  },
  {
    name: 'a webhook counts its own change as one to be called again for',
    file: 'webhook/reinvocation-state.ts',
    find: 'this.#previouslyInvoked.add(uid);',
    replace: 'this.#previouslyInvoked.add(uid);\n    this.#reinvoke.add(uid);',
    noticedIn: 'reinvocation',
  },
  {
    name: 'a webhook skipped in the first pass may be called in the second',
    file: 'webhook/reinvocation-state.ts',
    find: 'return this.#reinvoke.has(uid);',
    replace: "return this.#reinvoke.has(uid) || uid.includes('/a.');",
    noticedIn: 'reinvocation',
  },
  {
    name: 'the scope of rules is ignored',
    file: 'match/rules.ts',
    find: 'matchesScope(rule, attributes) &&',
    replace: '',
    noticedIn: 'rules',
  },
  {
    name: 'an asterisk for resources covers subresources',
    file: 'match/rules.ts',
    find: "(wantedSubresource === '*' || wantedSubresource === subresource)",
    replace: "(text === '*' || wantedSubresource === '*' || wantedSubresource === subresource)",
    noticedIn: 'rules',
  },
  {
    name: 'equivalent resources are not looked for',
    file: 'match/equivalents.ts',
    find: "if (matchPolicy !== 'Equivalent') return undefined;",
    replace: 'if (matchPolicy !== undefined) return undefined;',
    noticedIn: 'rules',
  },
  {
    name: 'object selectors forget the old object, so that a deletion has no labels',
    file: 'match/object-selector.ts',
    find: ' || matchesLabels(labels, oldObject)',
    replace: ' || (oldObject !== null && object === null)',
    noticedIn: 'selectors',
  },
  {
    name: 'namespace selectors are asked about cluster-scoped resources',
    file: 'match/namespace-selector.ts',
    find: "if (attributes.namespace === '' && attributes.resource.resource !== 'namespaces') return matched;",
    replace: '',
    noticedIn: 'selectors',
  },
  {
    name: 'selectors test the object as it was sent, not as the webhooks before left it',
    file: 'plugins/mutating-webhook.ts',
    find: 'withObject(this.#attributes, this.#objects.current)',
    replace: 'withObject(this.#attributes, this.#attributes.object)',
    noticedIn: 'selectors',
  },
  {
    name: 'an error in a condition weighs more than a condition that is false',
    file: 'match/match-conditions.ts',
    find: 'if (notMatched !== undefined)',
    replace: 'if (notMatched !== undefined && errors.length === 0)',
    noticedIn: 'generated',
  },
  {
    name: 'the newest AdmissionReview version is sent',
    file: 'webhook/admission-review.ts',
    find: "admissionReviewVersions.find((version) => version === 'v1' || version === 'v1beta1')",
    replace: "(['v1', 'v1beta1'] as const).find((version) => admissionReviewVersions.includes(version))",
    noticedIn: 'review',
  },
  {
    name: 'the uid of an answer is not compared',
    file: 'webhook/answer.ts',
    find: 'return uid === expected ? undefined',
    replace: "return uid !== 'never' ? undefined",
    noticedIn: 'answers',
  },
  {
    name: 'a denial is not checked for a patch without its type',
    file: 'webhook/answer.ts',
    find: "if (question.version === 'v1') {",
    replace: "if (question.version === 'v1' && response.allowed === true) {",
    noticedIn: 'answers',
  },
  {
    name: 'a denial without a code is 403',
    file: 'webhook/rejection.ts',
    find: 'code: code < 400 ? 400 : code',
    replace: 'code: code < 400 ? 403 : code',
    noticedIn: 'answers',
  },
  {
    name: 'failurePolicy Ignore covers patches that cannot be applied',
    file: 'plugins/mutating-webhook.ts',
    find: "      case 'serverError':\n        return refused(outcome.status);",
    replace:
      "        return refused(outcome.status);\n      case 'serverError':\n        return failurePolicy === 'Ignore' ? undefined : refused(outcome.status);",
    noticedIn: 'patches',
  },
  {
    name: 'replace of a missing key fails, as RFC 6902 has it',
    file: 'json-patch/apply-patch.ts',
    find: '    } else {\n      setMember(place.container, place.key, value);\n    }',
    replace:
      '    } else if (place.container.members.has(place.key)) {\n      setMember(place.container, place.key, value);\n    } else {\n      fail("missing");\n    }',
    noticedIn: 'patches',
  },
  {
    name: 'numbers are compared by their values',
    file: 'json-patch/node.ts',
    find: 'this.#scalarText() === other.#scalarText()',
    replace: 'Number(this.#scalarText()) === Number(other.#scalarText())',
    noticedIn: 'patches',
  },
  {
    name: 'failing open is told in the second pass as if it were the first',
    file: 'plugins/mutating-webhook.ts',
    find: 'failed-open.mutation.webhook.admission.k8s.io/round_${this.#round}_index_',
    replace: 'failed-open.mutation.webhook.admission.k8s.io/round_0_index_',
    noticedIn: 'reinvocation',
  },
  {
    name: 'repeated warnings are repeated',
    file: 'warnings.ts',
    find: '|| this.#recorded.has(wellFormed)',
    replace: '',
    noticedIn: 'telling',
  },
  {
    name: 'configurations are asked in the order of their creation',
    file: 'webhook/configurations.ts',
    find: 'compareGoStrings(a.configuration, b.configuration)',
    replace: '(a === b ? 1 : 0)',
    noticedIn: 'order',
  },
  {
    name: 'reviews of access reach webhooks',
    file: 'webhook/excluded-resources.ts',
    find: "'subjectaccessreviews',",
    replace: '',
    noticedIn: 'exempt',
  },
  {
    name: 'Retry-After is not heeded',
    file: 'webhook/exchange.ts',
    find: 'const maxRetries = 10;',
    replace: 'const maxRetries = 0;',
    noticedIn: 'failures',
  },
];

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const cache = `${repository}.cache`;
const copies: string[] = [];

/**
 * The engine with a fault in it. Only src/chain is copied, below .cache where Node still takes TypeScript; the rooms it
 * imports are links to the real ones. The copy is this process's own and stays until {@link removeMutants}.
 */
export async function mutant({ file, find, replace }: Fault): Promise<Engine> {
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(`${cache}/mutant-`);
  copies.push(directory);
  mkdirSync(`${directory}/src`);
  for (const room of readdirSync(`${repository}src`)) {
    if (room !== 'chain') symlinkSync(`${repository}src/${room}`, `${directory}/src/${room}`);
  }
  cpSync(`${repository}src/chain`, `${directory}/src/chain`, { recursive: true });
  const path = `${directory}/src/chain/${file}`;
  const source = readFileSync(path, 'utf8');
  if (source.split(find).length !== 2) throw new Error(`${file} does not hold exactly once: ${find}`);
  writeFileSync(
    path,
    source.replace(find, () => replace),
  );
  return (await import(/* @vite-ignore */ `${directory}/src/chain/index.ts`)) as Engine;
}

export function removeMutants(): void {
  for (const directory of copies.splice(0)) rmSync(directory, { recursive: true });
}

/** The first request that goes otherwise with this engine than it was recorded; undefined when there is none. */
export async function firstDifference(engine: Engine, noticedIn: string): Promise<string | undefined> {
  const files = recordingsOf().sort((a, b) => Number(b.file === noticedIn) - Number(a.file === noticedIn));
  for (const { file, worlds, keep } of files) {
    const recording = readRecording(file);
    for (const [index, world] of worlds.entries()) {
      if (world.overNetwork === true) continue;
      for (const [position, spec] of world.requests.entries()) {
        const { before, recorded } = recording.worlds[index]?.requests[position] ?? {};
        if (!isDeepStrictEqual(await played(engine, world, spec, before, keep), recorded)) return spec.name;
      }
    }
  }
  return undefined;
}

/** A fault may also show as an exception. */
async function played(
  engine: Engine,
  world: Parameters<typeof replay>[1],
  spec: Parameters<typeof replay>[2],
  before: Parameters<typeof replay>[3],
  keep: ReturnType<typeof recordingsOf>[number]['keep'],
): Promise<unknown> {
  try {
    return keep(await replay(engine, world, spec, before));
  } catch (error) {
    return error;
  }
}
