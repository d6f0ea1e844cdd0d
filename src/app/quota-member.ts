import { randomUUID } from 'node:crypto';
import { HttpsHubConnection, Member, type Ledger, type MemberEvents } from '../quota/index.ts';
import type { Clock, Logger } from '../telemetry/index.ts';
import { openHubCredentials } from './hub-credentials.ts';
import type { QuotaConfiguration } from './quota-configuration.ts';
import { stopInTurn } from './stop-all.ts';

export interface QuotaMemberOptions {
  readonly store: Extract<QuotaConfiguration['store'], { readonly mode: 'Hub' }>;
  /** Holds the journal of the slices; started. */
  readonly ledger: Ledger;
  readonly clusterId: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Default: nobody is told. */
  readonly events?: MemberEvents;
}

/** A member of the hub that the configuration names, and how to end it. It is not started. */
export async function openQuotaMember(
  options: QuotaMemberOptions,
): Promise<{ readonly member: Member; readonly close: () => Promise<void> }> {
  const { store, ledger, clusterId, clock, log, events } = options;
  const credentials = await openHubCredentials(store.credentials, clock, log);
  const hub = new HttpsHubConnection({ url: store.url, credentials: () => credentials.current });
  const member = new Member({
    ledger,
    hub,
    cluster: clusterId,
    clock,
    uniqueName: randomUUID,
    onLeaseEnd: store.onLeaseEnd === 'Stop' ? 'stop' : 'spend',
    logger: log,
    ...(events !== undefined && { events }),
  });
  return {
    member,
    close: () =>
      stopInTurn(
        () => member.stop(),
        () => hub.close(),
        () => credentials.close(),
      ),
  };
}
