import type { Fit } from '../slices/wire.ts';

/** What a hub tells of its work, for figures and for who shows its numbers. Called at once; must not throw. */
export interface HubEvents {
  /** A message of a member is answered; with so many needs in it, and how each was met. */
  answered(message: { readonly fits: readonly Fit[]; readonly milliseconds: number }): void;
  /** A cluster has reported other usage of a quota by its namespaces than before. */
  usageChanged(quota: string): void;
  /** A slice was made larger, and that is written. */
  granted(): void;
  /** A member has given part of a slice back. */
  returned(): void;
  /** A round that asked for idle slices is over; so many clusters have not answered in time. */
  recalled(round: { readonly silent: number; readonly milliseconds: number }): void;
}

/** Hears nothing. */
export const noHubEvents: HubEvents = {
  answered: () => undefined,
  usageChanged: () => undefined,
  granted: () => undefined,
  returned: () => undefined,
  recalled: () => undefined,
};
