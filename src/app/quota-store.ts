import { readFile } from 'node:fs/promises';
import { ledgerStoreFor, type LedgerStore } from '../quota/index.ts';
import { InvalidConfigurationError } from './errors.ts';
import type { QuotaConfiguration } from './quota-configuration.ts';

/** The store that a configuration names. Throws {@link InvalidConfigurationError} when the file with its URL cannot be read. */
export async function ledgerStoreOf(store: QuotaConfiguration['store']): Promise<LedgerStore> {
  // A member's journal is a ledger of its own.
  if (store.mode !== 'PostgreSQL') return ledgerStoreFor({ mode: 'SQLite', path: store.path });
  return ledgerStoreFor({ mode: 'PostgreSQL', url: await urlOf(store) });
}

async function urlOf({
  url,
  urlFile = '',
}: Extract<QuotaConfiguration['store'], { mode: 'PostgreSQL' }>): Promise<string> {
  if (url !== undefined) return url;
  try {
    return (await readFile(urlFile, 'utf8')).trim();
  } catch (cause) {
    throw new InvalidConfigurationError(`quota.store.urlFile: ${urlFile} cannot be read`, { cause });
  }
}
