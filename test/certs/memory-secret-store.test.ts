import { describe, it } from 'vitest';
import { MemorySecretStore } from './memory-secret-store.ts';
import { secretStoreContract } from './secret-store-contract.ts';

describe('MemorySecretStore', () => {
  it.each(secretStoreContract)('$name', async ({ run }) => {
    const store = new MemorySecretStore();
    await run(store, store);
  });
});
