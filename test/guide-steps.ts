/** A step of a guide: a file that is written, or commands that are run. */
export type GuideStep =
  | { readonly kind: 'file'; readonly line: number; readonly path: string; readonly text: string }
  | {
      readonly kind: 'command';
      readonly line: number;
      readonly cluster: string;
      readonly text: string;
      /** It goes on running. */
      readonly isBackground: boolean;
      /** It may take a while until it says what is expected. */
      readonly isRepeated: boolean;
      /** What it prints, from the block after it. */
      readonly expected: string | undefined;
    };

/** A block of code, with what stands after its language. */
export interface CodeBlock {
  readonly line: number;
  readonly language: string;
  readonly info: string;
  readonly text: string;
}

/** The blocks of a page that begin at the left edge, in order. */
export function codeBlocks(page: string): CodeBlock[] {
  return [...page.matchAll(/^```(\w+) ?(.*)\n([\s\S]*?)^```$/gm)].map((match) => {
    const [, language = '', info = '', text = ''] = match;
    return { line: page.slice(0, match.index).split('\n').length, language, info, text };
  });
}

/** The code blocks of a page: `yaml file=PATH`, `sh cluster=NAME [background] [until]`, and `text` after one of these. */
export function parseMarkdownSteps(page: string): GuideStep[] {
  const steps: GuideStep[] = [];
  for (const { line, language, info, text } of codeBlocks(page)) {
    const words = info.split(' ');
    const value = (key: string): string | undefined =>
      words.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1);
    const path = value('file');
    const cluster = value('cluster');
    const last = steps.at(-1);
    if (language === 'text' && last?.kind === 'command') steps[steps.length - 1] = { ...last, expected: text };
    else if (path !== undefined) steps.push({ kind: 'file', line, path, text });
    else if (cluster !== undefined) {
      const [isBackground, isRepeated] = ['background', 'until'].map((word) => words.includes(word));
      steps.push({
        kind: 'command',
        line,
        cluster,
        text,
        isBackground: isBackground === true,
        isRepeated: isRepeated === true,
        expected: undefined,
      });
    } else throw new Error(`line ${line}: a block that says neither a file nor a cluster`);
  }
  return steps;
}
