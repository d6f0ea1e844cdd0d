import { dirname } from 'node:path';
import { parseResourceName } from '../api/resource-name.ts';
import { globalQuotaDefinition, globalQuotaKind } from '../quota/index.ts';
import type { FolderVolume } from './folder-volumes.ts';
import { diskClaim, type Identity, type Manifest } from './manifest-parts.ts';
import type { QuotaConfiguration } from './quota-configuration.ts';

type Quota = QuotaConfiguration | undefined;

/** What quotas mostly count, and what decides which quotas an object falls under. */
const alwaysRead = [
  { apiGroups: [''], resources: ['namespaces', 'persistentvolumeclaims', 'pods', 'services'] },
  { apiGroups: ['resource.k8s.io'], resources: ['deviceclasses', 'resourceclaims'] },
];

const { group, resource } = globalQuotaKind;
/** To follow the GlobalQuota objects. */
export const quotaReadingRule = { apiGroups: [group], resources: [resource], verbs: ['get', 'list', 'watch'] };
export const quotaStatusRule = { apiGroups: [group], resources: [`${resource}/status`], verbs: ['patch'] };

/** To read what quotas count, and to follow the GlobalQuota objects and write their status when they are in this cluster. */
export function quotaServingRules(quota: Quota): object[] {
  if (quota === undefined) return [];
  const counted = quota.counts.flatMap((name) => {
    const parsed = parseResourceName(name);
    return 'problem' in parsed ? [] : [{ apiGroups: [parsed.group], resources: [parsed.resource] }];
  });
  return [
    ...[...alwaysRead, ...counted].map((rule) => ({ ...rule, verbs: ['get', 'list', 'watch'] })),
    ...quotaRegisteringRules(quota),
    ...(hasOwnObjects(quota) ? [quotaStatusRule] : []),
  ];
}

/** The rules of the webhook follow the GlobalQuota objects. */
export function quotaRegisteringRules(quota: Quota): object[] {
  return quota !== undefined && hasOwnObjects(quota) ? [quotaReadingRule] : [];
}

/** The definition of GlobalQuota where the objects are in this cluster, and a disk for a ledger that is a file. */
export function quotaObjects(quota: Quota, identity: Identity): Manifest[] {
  if (quota === undefined) return [];
  const definition = hasOwnObjects(quota) ? [globalQuotaDefinition()] : [];
  return quota.store.mode === 'PostgreSQL' ? definition : [...definition, diskClaim(identity, 'quota')];
}

/**
 * What the replicas that serve have mounted: the disk of the ledger, or the Secret `<name>-quota` with its URL. A member of a
 * hub has its credentials from the Secret `<name>-quota-hub`.
 */
export function quotaStorage(
  quota: Quota,
  name: string,
): { readonly isFile: boolean; readonly folders: readonly FolderVolume[] } {
  if (quota === undefined) return { isFile: false, folders: [] };
  const { store } = quota;
  const volume = 'quota';
  if (store.mode === 'PostgreSQL') {
    const { urlFile } = store;
    const folder = urlFile && {
      setting: 'quota.store.urlFile',
      example: '/etc/quota/url',
      name: volume,
      source: { secret: { secretName: `${name}-quota` } },
      folder: dirname(urlFile),
      readOnly: true,
    };
    return { isFile: false, folders: folder ? [folder] : [] };
  }
  const disk = {
    setting: 'quota.store.path',
    example: '/var/lib/sallyport/quota.db',
    name: volume,
    source: { persistentVolumeClaim: { claimName: `${name}-quota` } },
    folder: dirname(store.path),
    readOnly: false,
  };
  if (store.mode === 'SQLite') return { isFile: true, folders: [disk] };
  const credentials = {
    setting: 'quota.store.credentials',
    example: '/etc/quota-hub',
    name: `${volume}-hub`,
    source: { secret: { secretName: `${name}-quota-hub` } },
    folder: store.credentials,
    readOnly: true,
  };
  return { isFile: true, folders: [disk, credentials] };
}

/**
 * What whoever reads the GlobalQuota objects of another cluster has mounted: the Secret `<name>-quota-objects` with its
 * kubeconfig, in the place that the configuration names.
 */
export function quotaObjectsFolder(quota: Quota, name: string): FolderVolume[] {
  const { objects } = quota ?? {};
  if (objects?.mode !== 'Cluster' || objects.kubeconfig === undefined) return [];
  const volume = 'quota-objects';
  return [
    {
      setting: 'quota.objects.kubeconfig',
      example: '/etc/quota-objects/kubeconfig',
      name: volume,
      source: { secret: { secretName: `${name}-${volume}` } },
      folder: dirname(objects.kubeconfig),
      readOnly: true,
    },
  ];
}

function hasOwnObjects({ objects }: QuotaConfiguration): boolean {
  return objects.mode === 'Cluster' && objects.kubeconfig === undefined;
}
