/** Sources that a restricted Pod may mount. Source: policy/check_restrictedVolumes.go. */
export const unrestrictedVolumeSources = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
] as const;

/** All others, in the order in which a volume with several of them is judged. */
export const restrictedVolumeSources = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'gitRepo',
  'nfs',
  'iscsi',
  'glusterfs',
  'rbd',
  'flexVolume',
  'cinder',
  'cephfs',
  'flocker',
  'fc',
  'azureFile',
  'vsphereVolume',
  'quobyte',
  'azureDisk',
  'photonPersistentDisk',
  'portworxVolume',
  'scaleIO',
  'storageos',
] as const;

/** Every source a volume can have. */
export const volumeSources = [...unrestrictedVolumeSources, ...restrictedVolumeSources] as const;

export type VolumeSource = (typeof volumeSources)[number];
