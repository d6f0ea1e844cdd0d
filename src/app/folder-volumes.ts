import { InvalidConfigurationError } from './errors.ts';

/** Where a configuration lies in a cluster. What it names by relative paths lies in the image beside it. */
export const configurationFolder = '/etc/sallyport';

/** A folder of a Pod that is a volume. */
export interface FolderVolume {
  /** What names the folder in the configuration, such as `decisionLog.path`. */
  readonly setting: string;
  /** A folder that would do, or a file in it. */
  readonly example: string;
  readonly name: string;
  /** The volume without its name, such as `{ emptyDir: {} }`. */
  readonly source: object;
  readonly folder: string;
  readonly readOnly: boolean;
}

export interface MountedVolumes {
  readonly volumes: readonly object[];
  readonly volumeMounts: readonly object[];
}

/**
 * Volumes and mounts as a Pod has them. Throws {@link InvalidConfigurationError} for a folder that would hide others of the
 * image, for one that is a volume already, as the API server refuses a second mount of a path, and for one inside of a volume
 * that is read-only, where no folder can be made to mount it on.
 */
export function mountFolders(wanted: readonly FolderVolume[]): MountedVolumes {
  const refuse = ({ setting, folder, example }: FolderVolume, beside: string): never => {
    throw new InvalidConfigurationError(
      `${setting}: in a cluster its folder is a volume, and ${folder} cannot be one${beside}; expected such as ${example}`,
    );
  };
  for (const volume of wanted) if (isWithin(configurationFolder, volume.folder)) refuse(volume, '');
  for (const [index, volume] of wanted.entries()) {
    const other = wanted.find(({ folder, readOnly }, at) =>
      folder === volume.folder ? at < index : readOnly && isWithin(volume.folder, folder),
    );
    if (other !== undefined) refuse(volume, ` beside ${other.folder} of ${other.setting}`);
  }
  return {
    volumes: wanted.map(({ name, source }) => ({ name, ...source })),
    volumeMounts: wanted.map(({ name, folder, readOnly }) => ({
      name,
      mountPath: folder,
      ...(readOnly && { readOnly }),
    })),
  };
}

/** Whether it is the other one or lies in it. */
function isWithin(folder: string, other: string): boolean {
  return `${folder}/`.startsWith(other === '/' ? '/' : `${other}/`);
}
