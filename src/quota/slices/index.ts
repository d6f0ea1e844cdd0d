export { HubUnreachableError, SliceJournalError } from './errors.ts';
export { HttpsHubConnection, type HttpsHubConnectionOptions, type HubCredentials } from './https-hub-connection.ts';
export type { MemberEvents } from './member-events.ts';
export { memberMetrics } from './member-metrics.ts';
export { Member, type HubConnection, type MemberOptions, type MemberStatus } from './member.ts';
