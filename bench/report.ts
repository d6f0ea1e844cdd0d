import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Rounds } from './rounds.ts';

/** One claim about speed: a ratio inside one run, and the figures it was made from. */
export interface Figure {
  readonly what: string;
  /** As `≤ 3`. */
  readonly wanted: string;
  readonly ratio: Rounds;
  readonly raw: Readonly<Record<string, Rounds>>;
}

const file = join(import.meta.dirname, '../docs/performance.md');
const head = `# Performance

Every figure is a ratio inside one run, of subjects that took turns; the median of the rounds, and the least of them in
parentheses. Machines that do other work beside it make absolute times worthless; they are kept as they came.
`;

/** Prints the figures, and with \`write\` puts them into docs/performance.md in the place of the section's former ones. */
export function report(section: string, title: string, figures: readonly Figure[], write: boolean): void {
  const lines = figures.flatMap(({ what, wanted, ratio, raw }) => [
    `- **${show(ratio)}** (wanted ${wanted}): ${what}`,
    ...Object.entries(raw).map(
      ([name, rounds]) => `  - ${name}: ${show(rounds)}; rounds: ${rounds.all.map(round).join(' ')}`,
    ),
  ]);
  const text = `<!-- ${section} -->\n\n## ${title}\n\n${versions()}\n\n${lines.join('\n')}\n\n<!-- /${section} -->\n`;
  process.stdout.write(text);
  if (!write) return;
  const former = existsSync(file) ? readFileSync(file, 'utf8') : head;
  const place = new RegExp(`<!-- ${section} -->[\\s\\S]*<!-- /${section} -->\\n`);
  writeFileSync(file, place.test(former) ? former.replace(place, () => text) : `${former}\n${text}`);
}

function versions(): string {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const date = new Date().toISOString().slice(0, 10);
  return `${date}, commit ${commit}, Node ${process.version}, V8 ${process.versions.v8}, ${cpus().length} cores.`;
}

function show({ median, min }: Rounds): string {
  return `${round(median)} (${round(min)})`;
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toPrecision(3);
}
