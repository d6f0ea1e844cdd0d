import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { controlPlaneBinaries, locateBinaries } from './binaries.ts';

const script = fileURLToPath(new URL('../../../tools/control-plane/build.ts', import.meta.url));

let scratch: string;
let cache: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'sallyport-build-'));
  cache = locateBinaries({ SALLYPORT_CACHE: scratch }).directory;
});
afterEach(() => rmSync(scratch, { recursive: true }));

/** Puts a Go on the path that says `version` and builds by running `build`, with the target in `$out`. */
function putGo(version: string, build = 'echo program > "$out"; chmod +x "$out"'): void {
  mkdirSync(join(scratch, 'bin'));
  const go = join(scratch, 'bin/go');
  writeFileSync(
    go,
    `#!/bin/sh
     if [ "$1" = version ]; then echo "go version ${version} linux/amd64"; exit; fi
     while [ $# -gt 0 ]; do if [ "$1" = -o ]; then out=$2; fi; shift; done
     ${build}`,
  );
  chmodSync(go, 0o755);
}

interface Ended {
  readonly code: number | null;
  readonly said: string;
}

/** Runs the script to its end; when it has said `interruptAt`, a SIGTERM comes. */
async function build(environment: { readonly [name: string]: string } = {}, interruptAt?: string): Promise<Ended> {
  const child = spawn(process.execPath, [script], {
    env: { PATH: `${join(scratch, 'bin')}:/usr/bin:/bin`, SALLYPORT_CACHE: scratch, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  let wasInterrupted = false;
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (wasInterrupted || interruptAt === undefined || !said.includes(interruptAt)) return;
    wasInterrupted = true;
    child.kill('SIGTERM');
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}

describe('tools/control-plane/build.ts', () => {
  it('builds what is missing, says how long each takes, and is quiet the next time', async () => {
    putGo('go1.26.0');
    const { code, said } = await build();
    expect(code).toBe(0);
    expect(said).toMatch(
      /kube-apiserver: about 8 minutes from an empty Go cache …\n {2}kube-apiserver: built in \d+ s, \d+ MB/,
    );
    expect(readdirSync(cache).sort()).toEqual([...controlPlaneBinaries].sort());
    rmSync(join(cache, 'etcd'));
    expect((await build()).said).not.toContain('kubectl');
    expect(await build()).toEqual({ code: 0, said: '' });
  });

  it('says in one sentence that Go is missing or too old', async () => {
    const withoutGo = await build({ PATH: join(scratch, 'nowhere') });
    expect(withoutGo.code).toBe(1);
    expect(withoutGo.said).toMatch(
      /^The real API server .* Go is not on this machine: install Go 1\.26 or later.*\.\n$/,
    );
    putGo('go1.25.9');
    const withOldGo = await build();
    expect(withOldGo.code).toBe(1);
    expect(withOldGo.said).toMatch(
      /^The real API server .* Go here is 1\.25: install Go 1\.26 or later.*KUBEBUILDER_ASSETS.*\.\n$/,
    );
    expect(existsSync(cache)).toBe(false);
  });

  it('takes KUBEBUILDER_ASSETS as they are, or names what is not there', async () => {
    const assets = join(scratch, 'assets');
    mkdirSync(assets);
    for (const name of ['etcd', 'kube-apiserver', 'kubectl']) writeFileSync(join(assets, name), '', { mode: 0o755 });
    const incomplete = await build({ KUBEBUILDER_ASSETS: assets });
    expect(incomplete.code).toBe(1);
    expect(incomplete.said).toContain(`kube-controller-manager missing in ${assets} (KUBEBUILDER_ASSETS)`);
    writeFileSync(join(assets, 'kube-controller-manager'), '', { mode: 0o755 });
    expect(await build({ KUBEBUILDER_ASSETS: assets })).toEqual({ code: 0, said: '' });
  });

  it('leaves nothing half when a build fails or is interrupted', async () => {
    putGo('go1.26.0', 'echo half > "$out"; echo "no space left" >&2; exit 2');
    const failed = await build();
    expect(failed.code).toBe(1);
    expect(failed.said).toContain('etcd could not be built: go build ended with 2');
    expect(readdirSync(cache)).toEqual([]);

    rmSync(join(scratch, 'bin'), { recursive: true });
    putGo('go1.26.0', 'echo half > "$out"; sleep 60 & trap "kill $!; exit 130" INT; echo started >&2; wait');
    expect((await build({}, 'started')).code).toBe(1);
    expect(readdirSync(cache)).toEqual([]);
  });

  it('runs twice at once', async () => {
    putGo('go1.26.0', 'echo "program of $$" > "$out"; chmod +x "$out"');
    const both = await Promise.all([build(), build()]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(readdirSync(cache).sort()).toEqual([...controlPlaneBinaries].sort());
  });
});
