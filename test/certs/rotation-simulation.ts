import { X509Certificate } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { Secret } from '../../src/api/generated/core.v1.ts';
import { silentLogger, type Clock } from '../../src/telemetry/index.ts';
import {
  issueAuthority,
  issueServingCertificate,
  rotateAuthority,
  SecretAuthority,
  verifyChain,
  type BundlePublication,
  type CertificateIssuer,
  type SecretStore,
  type ServingCertificate,
} from '../../src/certs/index.ts';
import { MemorySecretStore } from './memory-secret-store.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** Longest way of a stored configuration into an API server's own cache. */
const longestPropagation = 50 * second;
/** How far a replica's clock may be off. */
const greatestSkew = 30 * second;
const epoch = Date.UTC(2030, 0, 1);
const serverName = 'gate.sallyport-system.svc';
const configurationNames = ['mutating', 'validating'];
const apiServers = 2;

export interface SimulationOptions {
  /** Everything that looks like chance follows from it. */
  readonly seed: number;
  readonly replicas: number;
  /** Virtual time with faults; quiet time follows in which everything must come to rest. */
  readonly troubledMilliseconds: number;
  /**
   * Whether users delete, damage and restore the Secret. If not, a replica must be accepted from its first leaf on, even
   * when it starts in the middle of a rotation.
   */
  readonly isSecretTouched: boolean;
  /** What deliberately broken builds do otherwise. */
  readonly sabotage?: Sabotage | undefined;
}

export interface Sabotage {
  /** In place of the minute that API servers get to hear of a new bundle. */
  readonly propagationMilliseconds?: number;
  /** Replicas believe that nothing is registered, so they wait for nobody. */
  readonly blind?: boolean;
  /** The registrar writes the bundle it knows, without asking anew. */
  readonly unconfirmedBundle?: boolean;
  /** Rewrites each Secret on its way to the API server. */
  readonly rewrite?: (secret: Secret) => Secret;
}

export interface SimulationOutcome {
  /** Moments at which an API server would have refused a replica that it accepted before. */
  readonly violations: readonly string[];
  /** What was not as it should be after the quiet time. */
  readonly unrest: readonly string[];
  /** How many authorities have signed leaves. */
  readonly authorities: number;
}

/**
 * Some replicas, each a real {@link SecretAuthority} with a registrar, two API servers with caches of their own, a
 * Secret and two configurations, in virtual time. Every message takes a random time; messages are lost, replicas sleep
 * and crash, the API server is away, users delete and damage the Secret and order rotations. After every event each
 * served leaf is checked against what each API server has cached.
 */
export async function simulateRotation(options: SimulationOptions): Promise<SimulationOutcome> {
  const world = new World(options);
  await world.run();
  return world.outcome();
}

interface Event {
  readonly at: number;
  readonly owner: Replica | undefined;
  readonly run: () => void;
}

interface Configuration {
  readonly version: number;
  readonly bundle: string;
}

class World {
  readonly options: SimulationOptions;
  readonly random: () => number;
  readonly secret = new MemorySecretStore('authority', 'sallyport-system');
  readonly configurations = new Map<string, Configuration>();
  readonly configurationListeners = new Set<() => void>();
  /** Signing in progress: real time, which virtual time waits for. */
  readonly realWork = new Set<Promise<unknown>>();
  isTroubled = false;
  isApiServerAway = false;
  now = 0;
  readonly #queue: Event[] = [];
  readonly #replicas: Replica[] = [];
  /** What each API server has cached, by configuration. */
  readonly #caches = Array.from({ length: apiServers }, () => new Map<string, Configuration>());
  readonly #accepted = new WeakSet<Replica>();
  readonly #violations = new Set<string>();
  readonly #authorities = new Set<string>();
  readonly #verdicts = new Map<string, boolean>();
  #firstBundle: string | undefined;

  constructor(options: SimulationOptions) {
    this.options = options;
    this.random = randomFrom(options.seed);
  }

  async run(): Promise<void> {
    for (let index = 0; index < this.options.replicas; index++) this.startReplica();
    await this.#runUntil(10 * minute);
    this.#firstBundle = this.configurations.values().next().value?.bundle;
    const endOfTrouble = this.now + this.options.troubledMilliseconds;
    this.#makeTrouble(endOfTrouble);
    this.isTroubled = true;
    await this.#runUntil(endOfTrouble);
    this.isTroubled = false;
    this.isApiServerAway = false;
    for (const replica of this.#replicas) replica.wake();
    await this.#runUntil(endOfTrouble + 4 * hour);
    // A rotation may just be under way: give it the time it needs, but no more.
    await this.#runUntil(this.now + 4 * hour, () => this.#unrest().length === 0);
  }

  outcome(): SimulationOutcome {
    return {
      violations: [...this.#violations],
      unrest: this.#unrest(),
      authorities: this.#authorities.size,
    };
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  between(low: number, high: number): number {
    return low + this.random() * (high - low);
  }

  schedule(delay: number, owner: Replica | undefined, run: () => void): () => void {
    const event = { at: this.now + delay, owner, run };
    const index = this.#queue.findIndex(({ at }) => at > event.at);
    this.#queue.splice(index === -1 ? this.#queue.length : index, 0, event);
    return () => {
      const position = this.#queue.indexOf(event);
      if (position !== -1) this.#queue.splice(position, 1);
      else owner?.forget(event.run);
    };
  }

  /** Stores a configuration; each API server hears of it in its own time. */
  storeConfiguration(name: string, configuration: Configuration): void {
    this.configurations.set(name, configuration);
    for (const cache of this.#caches) {
      this.schedule(this.between(0, longestPropagation), undefined, () => {
        if ((cache.get(name)?.version ?? 0) < configuration.version) cache.set(name, configuration);
      });
    }
    for (const listener of [...this.configurationListeners]) listener();
  }

  startReplica(): void {
    const replica = new Replica(this);
    this.#replicas.push(replica);
    replica.start();
  }

  #makeTrouble(end: number): void {
    const repeat = (every: number, what: () => void): void => {
      const next = (): void => {
        if (this.now >= end) return;
        what();
        this.schedule(this.between(0, 2 * every), undefined, next);
      };
      this.schedule(this.between(0, 2 * every), undefined, next);
    };
    const anyReplica = (): Replica | undefined => this.#replicas[Math.floor(this.random() * this.#replicas.length)];
    repeat(30 * minute, () => anyReplica()?.sleep());
    repeat(90 * minute, () => {
      const replica = anyReplica();
      if (replica === undefined) return;
      replica.kill();
      this.#replicas.splice(this.#replicas.indexOf(replica), 1);
      this.schedule(this.between(0, 5 * minute), undefined, () => this.startReplica());
    });
    repeat(2 * hour, () => {
      this.isApiServerAway = true;
      this.schedule(this.between(0, 10 * minute), undefined, () => (this.isApiServerAway = false));
    });
    repeat(3 * hour, () => {
      const lifetime = { authorityLifetimeMilliseconds: 6 * hour };
      const clock = new WorldClock(this);
      this.track(rotateAuthority({ store: this.secret, clock, ...lifetime }).catch(() => undefined));
    });
    if (!this.options.isSecretTouched) return;
    const backups: Secret[] = [];
    const withSecret = (use: (secret: Secret) => void): void =>
      this.track(this.secret.get().then((secret) => secret && use(secret)));
    repeat(hour, () => withSecret((secret) => backups.push(secret)));
    repeat(6 * hour, () => this.secret.overwrite(undefined));
    repeat(6 * hour, () => {
      const backup = backups[Math.floor(this.random() * backups.length)];
      if (backup !== undefined) this.secret.overwrite(backup);
    });
    repeat(6 * hour, () =>
      withSecret((secret) => {
        const field = Object.keys(secret.data ?? {})[Math.floor(this.random() * 4)];
        if (field !== undefined) this.secret.overwrite({ ...secret, data: { ...secret.data, [field]: 'eA==' } });
      }),
    );
  }

  track(work: Promise<unknown>): void {
    this.realWork.add(work);
    void work.finally(() => this.realWork.delete(work));
  }

  async #runUntil(end: number, isDone: () => boolean = () => false): Promise<void> {
    for (;;) {
      await this.#settle();
      this.#check();
      const event = this.#queue[0];
      if (isDone()) return;
      if (event === undefined || event.at > end) break;
      this.#queue.shift();
      this.now = event.at;
      if (event.owner === undefined) event.run();
      else event.owner.receive(event.run);
    }
    this.now = Math.max(this.now, end);
  }

  /** Until nobody can go on without an event. */
  async #settle(): Promise<void> {
    do {
      await Promise.all(this.realWork);
      await turn();
    } while (this.realWork.size > 0);
  }

  #check(): void {
    for (const replica of this.#replicas) {
      const leaf = replica.leaf();
      if (leaf === undefined || epoch + this.now + greatestSkew > leaf.notAfter.getTime()) {
        // Refused whatever the bundle says, by clocks that are ahead; the end of the run shows that it is replaced.
        this.#accepted.delete(replica);
        continue;
      }
      const refusing = this.#caches.filter((cache) =>
        [...cache.values()].some(({ bundle }) => !this.#accepts(leaf, bundle)),
      );
      if (refusing.length === 0) {
        this.#accepted.add(replica);
      } else if (this.#accepted.has(replica) || this.#mustAcceptAll()) {
        const time = `${(this.now / hour).toFixed(3)} h`;
        this.#violations.add(`${time}: replica ${replica.name} serves what API servers refuse`);
      }
    }
  }

  /**
   * A replica may begin before its authority is published, and is not ready then: at the very start, when the Secret was
   * lost, and when everybody slept until every published authority had expired.
   */
  #mustAcceptAll(): boolean {
    if (this.options.isSecretTouched || this.#firstBundle === undefined) return false;
    const published = this.#caches.flatMap((cache) => [...cache.values()].map(({ bundle }) => parseBundle(bundle)));
    const isAlive = (authority: X509Certificate): boolean =>
      epoch + this.now + greatestSkew < authority.validToDate.getTime();
    return published.every((authorities) => authorities.some(isAlive));
  }

  #accepts(leaf: ServingCertificate, bundle: string): boolean {
    const key = `${leaf.fingerprint} ${bundle}`;
    let verdict = this.#verdicts.get(key);
    if (verdict === undefined) {
      // Authorities live at least as long as their leaves, so one moment stands for every moment of the leaf's life.
      const now = leaf.notAfter.getTime();
      verdict = verifyChain(leaf.certificatePem, { caBundlePem: bundle, now, serverName }).kind === 'verified';
      this.#verdicts.set(key, verdict);
    }
    return verdict;
  }

  #unrest(): string[] {
    const bundles = new Set(this.#caches.flatMap((cache) => [...cache.values()].map(({ bundle }) => bundle)));
    const [bundle = ''] = bundles;
    const authorities = bundle.match(/BEGIN CERTIFICATE/g)?.length ?? 0;
    const unaccepted = this.#replicas.filter((replica) => {
      const leaf = replica.leaf();
      return leaf === undefined || epoch + this.now > leaf.notAfter.getTime() || !this.#accepts(leaf, bundle);
    });
    const unhealthy = this.#replicas.filter((replica) => replica.health() !== 'healthy');
    return [
      ...(bundles.size === 1 ? [] : [`${bundles.size} different bundles are published`]),
      ...(authorities === 1 ? [] : [`the bundle carries ${authorities} authorities`]),
      ...(bundle === this.#firstBundle ? ['the first authority is still published'] : []),
      ...unaccepted.map(({ name }) => `replica ${name} is not accepted`),
      ...unhealthy.map((replica) => `replica ${replica.name} is ${replica.health()}`),
    ];
  }

  noteAuthority(certificatePem: string): void {
    this.#authorities.add(certificatePem);
  }
}

/** One process: its certificate source, its registrar, and its ways to the API server. */
class Replica {
  readonly name: string;
  readonly #world: World;
  readonly #clock: WorldClock;
  readonly #source: SecretAuthority;
  #isAsleep = false;
  #isDead = false;
  /** What would have happened while it slept. */
  #missed: (() => void)[] = [];

  constructor(world: World) {
    this.#world = world;
    this.name = `r${Math.floor(world.random() * 1e6)}`;
    this.#clock = new WorldClock(world, this, world.between(-greatestSkew, greatestSkew));
    this.#source = new SecretAuthority({
      store: this.#store(),
      publication: this.#publication(),
      hosts: [serverName],
      logger: silentLogger,
      clock: this.#clock,
      issuer: this.#issuer(),
      authorityLifetimeMilliseconds: 6 * hour,
      leafLifetimeMilliseconds: hour,
      overlapMilliseconds: hour + 2 * greatestSkew,
      propagationMilliseconds: world.options.sabotage?.propagationMilliseconds ?? minute,
      checkIntervalMilliseconds: 10 * minute,
    });
  }

  start(): void {
    // Never resolves when the process is killed first.
    void this.#source.start().then(() => this.#register());
  }

  leaf(): ServingCertificate | undefined {
    return this.#source.get();
  }

  health(): string {
    return this.#source.healthy().kind;
  }

  kill(): void {
    this.#isDead = true;
  }

  sleep(): void {
    const world = this.#world;
    if (this.#isAsleep || !world.isTroubled) return;
    this.#isAsleep = true;
    this.#clock.stops = world.chance(0.5);
    const longest = [minute, 10 * minute, 2 * hour, 5 * hour][Math.floor(world.random() * 4)] ?? minute;
    world.schedule(world.between(0, longest), undefined, () => this.wake());
  }

  wake(): void {
    this.#isAsleep = false;
    this.#clock.stops = false;
    for (const run of this.#missed.splice(0)) this.#world.schedule(this.#world.between(0, second), this, run);
  }

  receive(run: () => void): void {
    if (this.#isDead) return;
    // Between a question and its answer is where sleep hurts most.
    if (this.#world.chance(0.002)) this.sleep();
    if (this.#isAsleep) this.#missed.push(run);
    else run();
  }

  forget(run: () => void): void {
    this.#missed = this.#missed.filter((missed) => missed !== run);
  }

  /** A request: it may be lost on its way or on the way back, and takes effect even if this replica falls asleep. */
  #ask<T>(serve: () => Promise<T> | T): Promise<T> {
    const world = this.#world;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const lose = (): void => reject(new Error('the connection broke'));
    const delay = (): number => world.between(0, world.chance(0.05) ? 20 * second : 100);
    world.schedule(delay(), undefined, () => {
      if (world.isApiServerAway || world.chance(0.01)) {
        world.schedule(delay(), this, lose);
        return;
      }
      const isAnswerLost = world.chance(0.01);
      const answered = Promise.resolve(serve()).then((answer) => {
        world.schedule(delay(), this, isAnswerLost ? lose : () => resolve(answer));
      });
      world.track(answered);
    });
    return promise;
  }

  #hear(subscribe: (listener: () => void) => () => void, listener: () => void): () => void {
    const world = this.#world;
    return subscribe(() => {
      // A watch may lose an event.
      if (!world.chance(0.1)) world.schedule(world.between(0, 2 * second), this, listener);
    });
  }

  #store(): SecretStore {
    const { secret, options } = this.#world;
    const rewrite = options.sabotage?.rewrite ?? ((written: Secret) => written);
    return {
      name: secret.name,
      namespace: secret.namespace,
      get: () => this.#ask(() => secret.get()),
      create: (written) => this.#ask(() => secret.create(rewrite(written))),
      replace: (written) => this.#ask(() => secret.replace(rewrite(written))),
      watch: (onChange) => this.#hear((listener) => secret.watch(listener), onChange),
    };
  }

  #publication(): BundlePublication {
    const { configurations, configurationListeners } = this.#world;
    return {
      publishedBundles: async () => {
        if (this.#world.options.sabotage?.blind === true) return [];
        const read = await Promise.all(
          configurationNames.map((name) => this.#ask(() => configurations.get(name)?.bundle)),
        );
        return read.flatMap((bundle, index) =>
          bundle === undefined ? [] : [{ holder: `configuration ${index}`, caBundlePem: bundle, serverName }],
        );
      },
      subscribe: (listener) =>
        this.#hear((each) => {
          configurationListeners.add(each);
          return () => void configurationListeners.delete(each);
        }, listener),
    };
  }

  /** Real keys and signatures, arriving at a virtual time. */
  #issuer(): CertificateIssuer {
    const world = this.#world;
    const deliver = <T>(work: Promise<T>): Promise<T> => {
      const { promise, resolve } = Promise.withResolvers<T>();
      const delay = world.between(0, 20);
      if (world.chance(0.05)) this.sleep();
      world.track(work.then((result) => void world.schedule(delay, this, () => resolve(result))));
      return promise;
    };
    return {
      issueAuthority: (lifetime) => deliver(issueAuthority(lifetime)),
      issueServingCertificate: (request) => {
        world.noteAuthority(request.authority.certificatePem);
        return deliver(issueServingCertificate(request));
      },
    };
  }

  /** Writes the bundle into every configuration: late, again and again, and by compare-and-swap. */
  #register(): void {
    const world = this.#world;
    let isBusy = false;
    const publish = async (): Promise<void> => {
      for (const name of configurationNames) {
        const current = await this.#ask(() => world.configurations.get(name));
        const isUnconfirmed = world.options.sabotage?.unconfirmedBundle === true;
        const bundle = isUnconfirmed ? this.#source.caBundle() : await this.#source.confirmCaBundle();
        if (bundle === undefined || bundle === current?.bundle) continue;
        await this.#ask(() => {
          const version = world.configurations.get(name)?.version ?? 0;
          if (version === (current?.version ?? 0)) world.storeConfiguration(name, { version: version + 1, bundle });
        });
      }
    };
    const look = (): void => {
      if (isBusy) return;
      isBusy = true;
      publish()
        .catch(() => lookLater())
        .finally(() => (isBusy = false));
    };
    const lookLater = (): void => void world.schedule(world.between(0, 2 * minute), this, look);
    const lookAgain = (): void => {
      look();
      world.schedule(30 * minute, this, lookAgain);
    };
    this.#source.subscribe(lookLater);
    world.configurationListeners.add(lookLater);
    lookAgain();
  }
}

class WorldClock implements Clock {
  readonly #world: World;
  readonly #owner: Replica | undefined;
  readonly #skew: number;
  #stopped = 0;
  #stoppedSince: number | undefined;

  constructor(world: World, owner?: Replica, skew = 0) {
    this.#world = world;
    this.#owner = owner;
    this.#skew = skew;
  }

  /** Whether monotonic time stands still, as on a suspended machine. */
  set stops(stops: boolean) {
    if (this.#stoppedSince !== undefined) this.#stopped += this.#world.now - this.#stoppedSince;
    this.#stoppedSince = stops ? this.#world.now : undefined;
  }

  now(): number {
    return epoch + this.#skew + this.#world.now;
  }

  monotonic(): number {
    return this.#world.now - this.#stopped;
  }

  after(delayMilliseconds: number, callback: () => void): () => void {
    return this.#world.schedule(delayMilliseconds, this.#owner, callback);
  }
}

function parseBundle(bundle: string): X509Certificate[] {
  return bundle.split(/(?=-----BEGIN)/).map((block) => new X509Certificate(block));
}

/** Mulberry32: small, and good enough for chance in tests. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
