#!/usr/bin/env node
// Runs on whatever Node the user has, so that an old one is told in one sentence: nothing newer than Node 14 in this
// file, and everything else is loaded after the check.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(
    `sallyport needs Node 24 or newer, and this is ${process.version}; install a newer Node and try again.\n`,
  );
  process.exitCode = 2;
} else {
  const { keepCompiledCode } = await import('./compiled-code.ts');
  // Before the rest is loaded, which is to be kept.
  keepCompiledCode();
  const { run } = await import('./program.ts');
  process.exitCode = await run(process.argv.slice(2));
}
