export { KubeClient } from './client.ts';
export type {
  ApplyOptions,
  DeleteOptions,
  KubeClientOptions,
  ListOptions,
  ListPage,
  Patch,
  RawRequest,
  RequestOptions,
  SelectOptions,
  WatchOptions,
  WriteOptions,
} from './client.ts';
export type { WatchEvent } from './watch-stream.ts';
export { type CollectionAddress, type ObjectAddress, resourcePath } from './resource-address.ts';
export {
  ApiStatusError,
  ApiUnreachableError,
  ClusterConfigError,
  isAlreadyExists,
  isConflict,
  isExpired,
  isForbidden,
  isNotFound,
} from './errors.ts';
export {
  type ClusterConfig,
  type ClusterConfigOptions,
  type Impersonation,
  type TlsMaterial,
  loadClusterConfig,
} from './cluster-config.ts';
export { type ChangingValue, constantValue } from './changing-value.ts';
export { loadKubeconfig } from './kubeconfig.ts';
export { inClusterConfig } from './in-cluster-config.ts';
export { Informer, type InformerHandler, type InformerOptions } from './informer.ts';
export type { Lister, ListerQuery } from './lister.ts';
export type { IndexFunction, Indexes } from './object-store.ts';
export { Discovery, type ServedResource } from './discovery.ts';
export { folderObjectSource, type FolderObjectSourceOptions } from './folder-object-source.ts';
export { clusterObjectSource, type ClusterObjectSourceOptions } from './cluster-object-source.ts';
export type {
  FieldProblem,
  ObjectKind,
  ObjectSet,
  ObjectSource,
  ParsedObject,
  SourcedObject,
  SourceProblem,
} from './object-source.ts';
export { ChangeListeners } from './change-listeners.ts';
export { ReconcileLoop, type ReconcileLoopOptions } from './reconcile-loop.ts';
export { wait } from './wait.ts';
