export { HubUnreachableError, SliceJournalError } from './errors.ts';
export { HttpsHubConnection, type HttpsHubConnectionOptions, type HubCredentials } from './https-hub-connection.ts';
export { Member, type HubConnection, type MemberOptions, type MemberStatus } from './member.ts';
