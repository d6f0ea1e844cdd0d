export { globalQuotaDefinition } from './custom-resource-definition.ts';
export { globalQuotaKind, type GlobalQuota } from './global-quota.ts';
export * from './ledger/index.ts';
export { QuotaSelection, type ClusterFacts, type QuotaSelectionOptions } from './selection.ts';
export { quotaMatchConditions, quotaRules } from './webhook-rules.ts';
