import type { HubCredentials } from '../../src/quota/index.ts';

/** After which side of which write the process is to end; undefined: it is not. */
export interface KillAt {
  readonly write: number;
  readonly side: 'before' | 'after';
  /** Only writes of what was answered before count. */
  readonly ofPrepaid?: boolean;
}

export interface MemberSetup {
  readonly path: string;
  readonly url: string;
  readonly credentials: HubCredentials;
  readonly cluster: string;
  readonly hard: number;
  readonly killAt: KillAt | undefined;
}

export interface HubSetup {
  readonly path: string;
  readonly port: number;
  readonly certificates: string;
  readonly clientAuthority: string;
  readonly hard: number;
  readonly killAt: KillAt | undefined;
}

export type MemberCommand =
  | { readonly kind: 'create'; readonly uid: string; readonly cpu: number }
  | { readonly kind: 'remove'; readonly uid: string };

export type MemberReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'removed'; readonly uid: string }
  | { readonly kind: 'admitted' | 'refused'; readonly uid: string; readonly cause: string | undefined };

export interface HubReply {
  readonly kind: 'ready';
  readonly port: number;
}
