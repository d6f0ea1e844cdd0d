import type { WebhookConfiguration } from '../api/webhook-configuration.ts';

export interface StrayCondition {
  readonly webhook: string;
  /** Its name. */
  readonly condition: string;
  /** JSON Pointer. */
  readonly path: string;
}

/**
 * Match conditions that somebody else has put into our entries. Each narrows what a webhook is asked about, and one that
 * is always false switches it off; an apply of ours leaves them, as every condition has an owner of its own.
 */
export function findStrayConditions(current: WebhookConfiguration, wanted: WebhookConfiguration): StrayCondition[] {
  const ours = new Map(wanted.webhooks?.map(({ name, matchConditions = [] }) => [name, matchConditions]));
  return (current.webhooks ?? []).flatMap(({ name: webhook, matchConditions = [] }, index) =>
    matchConditions.flatMap(({ name: condition }, place) => {
      const isStray = ours.get(webhook)?.every(({ name }) => name !== condition) ?? false;
      return isStray ? [{ webhook, condition, path: `/webhooks/${index}/matchConditions/${place}` }] : [];
    }),
  );
}
