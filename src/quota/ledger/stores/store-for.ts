import type { LedgerStore } from '../store.ts';
import type { KubernetesLedgerStoreOptions } from './kubernetes.ts';

/** Where a ledger is to live. */
export type LedgerStoreLocation =
  /** A file on a local disk. */
  | { readonly mode: 'SQLite'; readonly path: string }
  /** As `postgres://user:password@host:5432/database`. */
  | { readonly mode: 'PostgreSQL'; readonly url: string }
  /** Objects of a cluster; for the few writes of a hub. */
  | ({ readonly mode: 'Kubernetes' } & KubernetesLedgerStoreOptions);

/** The store for a place; opened by {@link Ledger.start}. Loads the driver that it takes, and no other. */
export async function ledgerStoreFor(location: LedgerStoreLocation): Promise<LedgerStore> {
  switch (location.mode) {
    case 'SQLite': {
      const { SqliteLedgerStore } = await import('./sqlite.ts');
      return new SqliteLedgerStore({ path: location.path });
    }
    case 'PostgreSQL': {
      const { PostgresLedgerStore } = await import('./postgres.ts');
      return new PostgresLedgerStore({ url: location.url });
    }
    case 'Kubernetes': {
      const { KubernetesLedgerStore } = await import('./kubernetes.ts');
      return new KubernetesLedgerStore(location);
    }
  }
}
