import type { ObjectUsage } from './api-server.ts';

interface Version {
  readonly usage: ObjectUsage;
  readonly from: number;
  /** Until when a ledger may take it for true. */
  to: number;
  isAnswered: boolean;
}

interface Claimant {
  readonly cluster: string;
  readonly namespace: string;
  readonly versions: Version[];
}

interface Block {
  readonly cluster: string;
  readonly quota: string;
  /** Whether what it holds is out of reach of the cluster's own requests. */
  readonly isHeld: () => boolean;
  readonly versions: Version[];
}

/**
 * The most that a ledger can rightly hold, told from what happened and not from any ledger: of each object the largest of what
 * lives, what lived until it can be known to have ended, and what was admitted and may still be stored.
 */
export class Claims {
  readonly #claimants = new Map<string, Claimant>();
  readonly #blocks = new Map<string, Block>();
  /** How long the end of a version takes to be seen. */
  readonly #lagMilliseconds: number;

  constructor(lagMilliseconds: number) {
    this.#lagMilliseconds = lagMilliseconds;
  }

  /**
   * A call asks for this. The ledger may hold it from now on, whether its answer arrives or not, and until it is answered also
   * when the object ends meanwhile. Returns what to do when it is answered.
   */
  asked(
    uid: string,
    at: { readonly cluster: string; readonly namespace: string },
    usage: ObjectUsage,
    now: number,
  ): (isAllowed: boolean) => void {
    const { versions } = this.#claimantOf(uid, at);
    const version: Version = { usage, from: now, to: Infinity, isAnswered: false };
    versions.push(version);
    return (isAllowed) => {
      version.isAnswered = true;
      if (!isAllowed) versions.splice(versions.indexOf(version), 1);
    };
  }

  /** A version was stored; whatever was admitted before has won or lost against it. */
  stored(
    uid: string,
    at: { readonly cluster: string; readonly namespace: string },
    usage: ObjectUsage,
    now: number,
  ): void {
    const { versions } = this.#claimantOf(uid, at);
    this.#end(versions, now);
    versions.push({ usage, from: now, to: Infinity, isAnswered: true });
  }

  deleted(uid: string, now: number): void {
    this.#end(this.#claimants.get(uid)?.versions ?? [], now);
  }

  /** A block of a quota holds so much from now on. */
  prepaid(uid: string, of: Omit<Block, 'versions'>, usage: ObjectUsage, now: number): void {
    const block = this.#blocks.get(uid) ?? { ...of, versions: [] };
    this.#blocks.set(uid, block);
    this.#end(block.versions, now);
    block.versions.push({ usage, from: now, to: Infinity, isAnswered: true });
  }

  /** Of one resource in one cluster, at any one moment between two. */
  most(
    resource: keyof ObjectUsage,
    cluster: string,
    quota: string,
    isUnderQuota: (namespace: string) => boolean,
    from: number,
    to: number,
  ): number {
    let most = 0;
    for (const claimant of this.#claimants.values()) {
      if ((cluster !== '' && claimant.cluster !== cluster) || !isUnderQuota(claimant.namespace)) continue;
      const open = claimant.versions.filter((version) => version.from <= to && version.to >= from);
      most += Math.max(0, ...open.map(({ usage }) => usage[resource]));
    }
    for (const block of this.#blocks.values()) {
      if ((cluster !== '' && block.cluster !== cluster) || block.quota !== quota || !block.isHeld()) continue;
      const open = block.versions.filter((version) => version.from <= to && version.to >= from);
      most += Math.max(0, ...open.map(({ usage }) => usage[resource]));
    }
    return most;
  }

  #end(versions: readonly Version[], now: number): void {
    for (const version of versions) {
      if (version.isAnswered) version.to = Math.min(version.to, now + this.#lagMilliseconds);
    }
  }

  #claimantOf(uid: string, at: { readonly cluster: string; readonly namespace: string }): Claimant {
    const known = this.#claimants.get(uid);
    if (known !== undefined) return known;
    const claimant = { ...at, versions: [] };
    this.#claimants.set(uid, claimant);
    return claimant;
  }
}
