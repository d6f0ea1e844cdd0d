import { describe, expect, it } from 'vitest';
import {
  AuthoritySecretError,
  ForeignSecretError,
  ownershipLabel,
  readAuthorityStatus,
  rotateAuthority,
  SecretAuthority,
} from './index.ts';
import { silentLogger } from '../telemetry/index.ts';
import { clockAt } from '../../test/certs/clock-at.ts';
import { MemoryPublication } from '../../test/certs/memory-publication.ts';
import { MemorySecretStore } from '../../test/certs/memory-secret-store.ts';

const day = 24 * 3_600_000;
const now = Date.UTC(2030, 5, 1);
const authorityLifetimeMilliseconds = 90 * day;

async function withAuthority() {
  const store = new MemorySecretStore();
  const clock = clockAt(now);
  const publication = new MemoryPublication();
  const options = { store, publication, clock, logger: silentLogger, hosts: ['localhost'] };
  const source = new SecretAuthority({ ...options, authorityLifetimeMilliseconds });
  await source.start();
  return { store, clock, source, publication };
}

describe('readAuthorityStatus()', () => {
  it('says when there is none', async () => {
    expect(await readAuthorityStatus(new MemorySecretStore())).toBeUndefined();
  });

  it('tells the phases of a rotation', async () => {
    const { store, clock, source } = await withAuthority();
    const first = await readAuthorityStatus(store);
    expect(first).toMatchObject({ phase: 'steady', retired: [] });
    expect(first?.signing.notAfter).toEqual(new Date(now + 90 * day));
    expect(first?.signing.renewAt).toEqual(new Date(now + 60 * day));

    expect(await rotateAuthority({ store, clock, authorityLifetimeMilliseconds })).toBe('started');
    const publishing = await readAuthorityStatus(store);
    expect(publishing).toMatchObject({ phase: 'publishing', signing: first?.signing });

    await source.confirmCaBundle();
    clock.advance(2 * 60_000);
    await source.confirmCaBundle();
    const retiring = await readAuthorityStatus(store);
    expect(retiring).toMatchObject({ phase: 'retiring', signing: publishing?.next, retired: [first?.signing] });
    expect(retiring?.retiredSince).toEqual(new Date(clock.now()));

    clock.advance(8 * day);
    await source.confirmCaBundle();
    expect(await readAuthorityStatus(store)).toMatchObject({ phase: 'steady', signing: publishing?.next, retired: [] });
    await source.stop();
  });
});

describe('rotateAuthority()', () => {
  it('starts nothing where nothing is, or where a rotation waits already', async () => {
    const clock = clockAt(now);
    const empty = new MemorySecretStore();
    expect(await rotateAuthority({ store: empty, clock, authorityLifetimeMilliseconds })).toBe('no-authority');
    const { store, source } = await withAuthority();
    expect(await rotateAuthority({ store, clock })).toBe('started');
    expect((await readAuthorityStatus(store))?.next?.notAfter).toEqual(new Date(now + 365 * day));
    expect(await rotateAuthority({ store, clock })).toBe('already-rotating');
    await source.stop();
  });

  it('tries again when a replica was faster', async () => {
    const { store, clock, source } = await withAuthority();
    let races = 0;
    const racing = {
      name: store.name,
      namespace: store.namespace,
      get: () => store.get(),
      create: store.create.bind(store),
      watch: store.watch.bind(store),
      replace: async (secret: Parameters<MemorySecretStore['replace']>[0]) => {
        const current = await store.get();
        if (races++ === 0 && current !== undefined) await store.replace(current);
        return store.replace(secret);
      },
    };
    expect(await rotateAuthority({ store: racing, clock, authorityLifetimeMilliseconds })).toBe('started');
    expect(races).toBe(2);
    await source.stop();
  });

  it('touches no Secret of others and none that is damaged', async () => {
    const clock = clockAt(now);
    const foreign = new MemorySecretStore();
    await foreign.create({ data: { password: 'eA==' } });
    await expect(rotateAuthority({ store: foreign, clock, authorityLifetimeMilliseconds })).rejects.toThrow(
      ForeignSecretError,
    );
    const damaged = new MemorySecretStore();
    await damaged.create({ metadata: { labels: { [ownershipLabel.name]: ownershipLabel.value } } });
    await expect(rotateAuthority({ store: damaged, clock, authorityLifetimeMilliseconds })).rejects.toThrow(
      AuthoritySecretError,
    );
    await expect(readAuthorityStatus(foreign)).rejects.toThrow(ForeignSecretError);
  });
});
