import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/fake-clock.ts';
import { issueAuthority } from '../certs/index.ts';
import type { RegistrationState } from '../registrar/index.ts';
import { guardMetrics, type AnsweredFacts, type GuardPhase, type GuardState } from '../guard/index.ts';
import {
  hubMetrics,
  memberMetrics,
  quotaMetrics,
  type Exceeded,
  type MemberStatus,
  type ObservationOutcome,
  type QuotaShares,
  type SettlementOutcome,
} from '../quota/index.ts';
import { serverMetrics, type RequestOutcome, type ServerLoad, type ServerObserver } from '../server/index.ts';
import { prometheusMetrics, type PrometheusMetrics } from '../telemetry/prometheus-metrics.ts';
import { gateMetrics } from './gate-metrics.ts';
import { openServiceLogs } from './service-logs.ts';

const nothingMended = { gone: 0, discovered: 0, changed: 0, confirmed: 0, released: 0, uncountable: 0 };

/** All that a gate and a hub count, with what it counts in the test's hand. */
class Figures {
  readonly metrics: PrometheusMetrics = prometheusMetrics();
  readonly clock = new FakeClock();
  readonly observer: ServerObserver = serverMetrics(this.metrics);
  readonly held: { readonly phase: GuardPhase }[] = [];
  readonly guard = guardMetrics(this.metrics, () => this.held);
  readonly quota = quotaMetrics(this.metrics);
  slices: Promise<MemberStatus[]> = Promise.resolve([]);
  readonly member = memberMetrics(this.metrics, () => this.slices);
  shares: Promise<QuotaShares[]> = Promise.resolve([]);
  readonly hub = hubMetrics(this.metrics, { shares: () => this.shares, leaseMilliseconds: 60_000 });
  bundle: string | undefined;
  registration: RegistrationState = {
    registered: true,
    repairs: 0,
    problem: undefined,
    standing: 'own',
    rescuedSince: undefined,
  };
  load: ServerLoad = {
    requestsInWork: 0,
    requestsQueued: 0,
    bufferedBytes: 0,
    connections: 0,
    handshakes: 0,
    eventLoop: { expectedMilliseconds: 0, maxMilliseconds: 0 },
  };

  static async make(): Promise<Figures> {
    const figures = new Figures();
    figures.clock.advance(1_000_000);
    const { metrics, clock } = figures;
    gateMetrics(metrics, {
      certificates: { caBundle: () => figures.bundle },
      registration: () => figures.registration,
      clock,
    });
    const logs = await openServiceLogs({ log: { level: 'error', requests: 'Off' } }, metrics, clock);
    await logs.close();
    figures.observer.started(() => figures.load);
    return figures;
  }

  /** The value of one sample, 0 when there is none yet. `sample` is a name with labels, as it stands in the text. */
  async read(sample: string): Promise<number> {
    const { text } = await this.metrics.read();
    const line = text.split('\n').find((each) => each.startsWith(`${sample} `));
    return Number(line?.slice(sample.length + 1) ?? 0);
  }
}

let figures: Figures;
beforeEach(async () => {
  figures = await Figures.make();
});

const finish = (outcome: RequestOutcome, durationMilliseconds = 1500): void =>
  figures.observer.requestFinished({
    webhook: 'a.example.com',
    operation: 'CREATE',
    resource: 'pods',
    dryRun: false,
    outcome,
    durationMilliseconds,
  });
const labelled = (outcome: RequestOutcome): string =>
  `{webhook="a.example.com",operation="CREATE",resource="pods",dry_run="false",outcome="${outcome}"}`;
const loads = (load: Partial<ServerLoad>) => (): void => void (figures.load = { ...figures.load, ...load });
const registers = (state: Partial<RegistrationState>) => (): void =>
  void (figures.registration = { ...figures.registration, ...state });
const year2100 = Date.UTC(2100, 0, 1);

const judged = (cause: Exceeded['cause'] | undefined): void => {
  const none = new Map<string, never>();
  const refusals: Exceeded[] =
    cause === undefined
      ? []
      : [
          {
            quota: 'q',
            name: 'q',
            mode: 'enforce',
            cause,
            requested: none,
            used: none,
            limited: none,
            byCluster: [],
            byNamespace: [],
          },
        ];
  const verdict = { allowed: cause === undefined, charged: false, refusals, overruns: [], nearLimits: [] };
  figures.quota.ledger.decided(verdict, { dryRun: false, cluster: 'c' });
};
const committed = (): void => figures.quota.ledger.committed({ operations: 12, milliseconds: 250, failed: false });

const amounts = (cpu: number): ReadonlyMap<string, bigint> => new Map(cpu === 0 ? [] : [['cpu', BigInt(cpu * 1e9)]]);
/** One quota of twelve processors, of which a member has a slice of 7.5. */
const slices = (): void => {
  const [slice, spent] = [amounts(7.5), amounts(5)];
  figures.slices = Promise.resolve([{ quota: 'q', name: 'team-a', resources: ['cpu', 'pods'], slice, spent }]);
};
const shared = (limit: number, silentMilliseconds: number | undefined): void => {
  const cluster = { retired: amounts(0), used: amounts(2), slice: amounts(3), silentMilliseconds: 10 };
  const clusters = [
    { ...cluster, id: 'a', name: 'eu-1' },
    { ...cluster, id: 'b', name: 'us-1', silentMilliseconds, slice: amounts(6), retired: amounts(1) },
  ];
  const pool = amounts(limit - 10);
  figures.shares = Promise.resolve([{ quota: 'q', name: 'team-a', hard: amounts(limit), pool, clusters }]);
};

interface Row {
  readonly sample: string;
  /** What happens. */
  readonly act: () => unknown;
  /** By how much the sample moves, in its unit. */
  readonly by: number;
}

/** A guarded Pod goes from `Cleaning`, which began a minute ago and ends now, to another phase. */
function move(phase: GuardPhase, more: Partial<GuardState> = {}): void {
  figures.guard.phaseChanged?.({ pod: {}, before: guardState('Cleaning', 0), after: guardState(phase, 60_000, more) });
}

function guardState(phase: GuardPhase, since: number, more: Partial<GuardState> = {}): GuardState {
  return {
    phase,
    uid: 'u',
    guard: 'shop/db',
    since,
    deadline: 60_000,
    attempt: 1,
    requester: 'alice',
    requesterClass: 'User',
    verb: 'DELETE',
    lastAttempt: 0,
    ...more,
  };
}

function answer(answered: AnsweredFacts['answer']): void {
  figures.guard.answered?.({
    verb: 'DELETE',
    namespace: 'shop',
    name: 'db-0',
    uid: 'u',
    requester: 'alice',
    requesterClass: 'User',
    dryRun: false,
    answer: answered,
    seconds: 0.5,
  });
}

/** A row at least for each metric; the first test fails for one without. */
const rows: Record<string, readonly Row[]> = {
  sallyport_admission_requests_total: (
    ['allowed', 'patched', 'denied', 'fault', 'shed', 'abandoned'] satisfies RequestOutcome[]
  ).map((outcome) => ({
    sample: `sallyport_admission_requests_total${labelled(outcome)}`,
    act: () => finish(outcome),
    by: 1,
  })),
  sallyport_admission_request_duration_seconds: [
    {
      sample: `sallyport_admission_request_duration_seconds_sum${labelled('allowed')}`,
      act: () => finish('allowed'),
      by: 1.5,
    },
    {
      sample: `sallyport_admission_request_duration_seconds_count${labelled('denied')}`,
      act: () => finish('denied'),
      by: 1,
    },
    {
      sample: `sallyport_admission_request_duration_seconds_bucket${labelled('allowed').replace('{', '{le="0.001",')}`,
      act: () => finish('allowed', 0.9),
      by: 1,
    },
    {
      sample: `sallyport_admission_request_duration_seconds_bucket${labelled('allowed').replace('{', '{le="30",')}`,
      act: () => finish('allowed', 30_001),
      by: 0,
    },
  ],
  sallyport_admission_requests_in_work: [
    { sample: 'sallyport_admission_requests_in_work', act: loads({ requestsInWork: 3 }), by: 3 },
  ],
  sallyport_admission_requests_queued: [
    { sample: 'sallyport_admission_requests_queued', act: loads({ requestsQueued: 4 }), by: 4 },
  ],
  sallyport_admission_buffered_bytes: [
    { sample: 'sallyport_admission_buffered_bytes', act: loads({ bufferedBytes: 4096 }), by: 4096 },
  ],
  sallyport_refused_requests_total: [
    {
      sample: 'sallyport_refused_requests_total{code="404"}',
      act: () => figures.observer.requestRefused(404),
      by: 1,
    },
  ],
  sallyport_event_loop_delay_seconds: [
    {
      sample: 'sallyport_event_loop_delay_seconds{statistic="expected"}',
      act: loads({ eventLoop: { expectedMilliseconds: 20, maxMilliseconds: 250 } }),
      by: 0.02,
    },
    {
      sample: 'sallyport_event_loop_delay_seconds{statistic="max"}',
      act: loads({ eventLoop: { expectedMilliseconds: 20, maxMilliseconds: 250 } }),
      by: 0.25,
    },
  ],
  sallyport_handler_blocking_seconds_total: [
    {
      sample: 'sallyport_handler_blocking_seconds_total{webhook="a.example.com"}',
      act: () => figures.observer.handlerBlocked('a.example.com', 250),
      by: 0.25,
    },
  ],
  sallyport_connections: [{ sample: 'sallyport_connections', act: loads({ connections: 7 }), by: 7 }],
  sallyport_tls_handshakes: [{ sample: 'sallyport_tls_handshakes', act: loads({ handshakes: 2 }), by: 2 }],
  sallyport_log_lines_dropped_total: [
    {
      sample: 'sallyport_log_lines_dropped_total{log="decisions"}',
      async act() {
        const metrics = prometheusMetrics();
        const path = '/nowhere/decisions.jsonl';
        const decisionLog = { to: 'File', path, maxFileMegabytes: 1, maxFiles: 1 } as const;
        const logs = await openServiceLogs(
          { log: { level: 'error', requests: 'Off' }, decisionLog },
          metrics,
          figures.clock,
        );
        await logs.close();
        // After its end it takes nothing any more.
        logs.decisions?.write('{}');
        figures = Object.assign(figures, { metrics });
      },
      by: 1,
    },
  ],
  process_resident_memory_bytes: [{ sample: 'process_resident_memory_bytes', act: () => undefined, by: NaN }],
  process_cpu_seconds_total: [{ sample: 'process_cpu_seconds_total', act: () => undefined, by: NaN }],
  process_start_time_seconds: [{ sample: 'process_start_time_seconds', act: () => undefined, by: NaN }],
  sallyport_certificate_expiry_timestamp_seconds: [
    {
      sample: 'sallyport_certificate_expiry_timestamp_seconds',
      act: () => figures.observer.certificateLoaded(new Date(year2100)),
      by: year2100 / 1000,
    },
  ],
  sallyport_certificate_rotations_total: [
    {
      sample: 'sallyport_certificate_rotations_total',
      act() {
        figures.observer.certificateLoaded(new Date(year2100));
        figures.observer.certificateLoaded(new Date(year2100));
      },
      by: 1,
    },
  ],
  sallyport_certificate_authority_expiry_timestamp_seconds: [
    {
      sample: 'sallyport_certificate_authority_expiry_timestamp_seconds',
      async act() {
        const pairs = await Promise.all(
          [1, 2].map((hours) => issueAuthority({ issuedAt: year2100, lifetimeMilliseconds: hours * 3_600_000 })),
        );
        figures.bundle = pairs.map(({ certificatePem }) => certificatePem).join('\n');
      },
      by: year2100 / 1000 + 7200,
    },
  ],
  sallyport_registration_status: [
    {
      sample: 'sallyport_registration_status{status="registered"}',
      act: registers({ problem: 'no rights' }),
      by: -1,
    },
    { sample: 'sallyport_registration_status{status="failing"}', act: registers({ problem: 'no rights' }), by: 1 },
    { sample: 'sallyport_registration_status{status="pending"}', act: registers({ registered: false }), by: 1 },
    { sample: 'sallyport_registration_status{status="newer"}', act: registers({ standing: 'newer' }), by: 1 },
    {
      sample: 'sallyport_registration_status{status="unregistered"}',
      act: registers({ standing: 'unregistered' }),
      by: 1,
    },
  ],
  sallyport_registration_rescued: [
    {
      sample: 'sallyport_registration_rescued',
      act: registers({ rescuedSince: '2026-11-26T20:00:00Z' }),
      by: 1,
    },
  ],
  sallyport_registration_repairs_total: [
    { sample: 'sallyport_registration_repairs_total', act: registers({ repairs: 3 }), by: 3 },
  ],
  sallyport_quota_verdicts_total: [
    {
      sample: 'sallyport_quota_verdicts_total{verdict="allowed",dry_run="false"}',
      act: () => judged(undefined),
      by: 1,
    },
    {
      sample: 'sallyport_quota_verdicts_total{verdict="perCluster",dry_run="false"}',
      act: () => judged('perCluster'),
      by: 1,
    },
  ],
  sallyport_quota_faults_total: [
    {
      sample: 'sallyport_quota_faults_total{outcome="refused"}',
      act: () => figures.quota.fault('refused'),
      by: 1,
    },
  ],
  sallyport_quota_commit_duration_seconds: [
    { sample: 'sallyport_quota_commit_duration_seconds_sum{failed="false"}', act: () => committed(), by: 0.25 },
  ],
  sallyport_quota_commit_operations: [
    { sample: 'sallyport_quota_commit_operations_sum', act: () => committed(), by: 12 },
  ],
  sallyport_quota_observations_total: (
    ['confirmed', 'discovered', 'changed', 'unchanged', 'gone'] satisfies ObservationOutcome[]
  ).map((outcome) => ({
    sample: `sallyport_quota_observations_total{outcome="${outcome}"}`,
    act: () => figures.quota.ledger.observed(outcome),
    by: 1,
  })),
  sallyport_quota_late_confirmations_total: [
    {
      sample: 'sallyport_quota_late_confirmations_total',
      act() {
        figures.quota.ledger.observed('late');
        figures.quota.ledger.settled('late');
      },
      by: 2,
    },
  ],
  sallyport_quota_settlements_total: (['released', 'gone'] satisfies SettlementOutcome[]).map((outcome) => ({
    sample: `sallyport_quota_settlements_total{outcome="${outcome}"}`,
    act: () => figures.quota.ledger.settled(outcome),
    by: 1,
  })),
  sallyport_quota_given_back_total: [
    { sample: 'sallyport_quota_given_back_total', act: () => figures.quota.ledger.gaveBack(), by: 1 },
  ],
  sallyport_quota_open_reservations: [
    { sample: 'sallyport_quota_open_reservations', act: () => figures.quota.observer.open(7, 2), by: 7 },
  ],
  sallyport_quota_stranded_reservations: [
    { sample: 'sallyport_quota_stranded_reservations', act: () => figures.quota.observer.open(7, 2), by: 2 },
  ],
  sallyport_quota_unsynced_resources: [
    {
      sample: 'sallyport_quota_unsynced_resources',
      act: () => figures.quota.observer.unsynced(['pods', 'services']),
      by: 2,
    },
  ],
  sallyport_quota_drift_total: (['gone', 'discovered', 'changed'] as const).map((kind) => ({
    sample: `sallyport_quota_drift_total{kind="${kind}"}`,
    act: () => figures.quota.observer.recounted({ ...nothingMended, [kind]: 3 }, 'pods'),
    by: 3,
  })),
  sallyport_quota_uncountable_objects: [
    {
      sample: 'sallyport_quota_uncountable_objects{resource="pods"}',
      act: () => figures.quota.observer.recounted({ ...nothingMended, uncountable: 2 }, 'pods'),
      by: 2,
    },
  ],
  sallyport_quotas_in_debt: [
    { sample: 'sallyport_quotas_in_debt', act: () => figures.quota.observer.inDebt(2), by: 2 },
  ],
  sallyport_quota_slice_size: [
    { sample: 'sallyport_quota_slice_size{quota="team-a",resource="cpu"}', act: slices, by: 7.5 },
  ],
  sallyport_quota_slice_free: [
    { sample: 'sallyport_quota_slice_free{quota="team-a",resource="cpu"}', act: slices, by: 2.5 },
  ],
  sallyport_quota_hub_asks_total: (['fits', 'exceeded', 'at-ceiling', 'unreachable'] as const).map((outcome) => ({
    sample: `sallyport_quota_hub_asks_total{outcome="${outcome}"}`,
    act: () => figures.member.asked({ outcomes: [outcome, outcome], milliseconds: 20 }),
    by: 2,
  })),
  sallyport_quota_hub_ask_duration_seconds: [
    {
      sample: 'sallyport_quota_hub_ask_duration_seconds_sum',
      act: () => figures.member.asked({ outcomes: ['fits', 'fits'], milliseconds: 20 }),
      by: 0.02,
    },
  ],
  sallyport_quota_slice_grants_total: [
    { sample: 'sallyport_quota_slice_grants_total', act: () => figures.member.granted(), by: 1 },
  ],
  sallyport_quota_slice_returns_total: (['idle', 'recall', 'debt'] as const).map((cause) => ({
    sample: `sallyport_quota_slice_returns_total{cause="${cause}"}`,
    act: () => figures.member.gaveBack(cause),
    by: 1,
  })),
  sallyport_quota_slice_recalls_total: [
    { sample: 'sallyport_quota_slice_recalls_total', act: () => figures.member.recalled(), by: 1 },
  ],
  sallyport_quota_hub_pool: [
    { sample: 'sallyport_quota_hub_pool{quota="team-a",resource="cpu"}', act: () => shared(12, 10), by: 2 },
    { sample: 'sallyport_quota_hub_pool{quota="team-a",resource="cpu"}', act: () => shared(8, 10), by: 0 },
  ],
  sallyport_quota_hub_debt: [
    { sample: 'sallyport_quota_hub_debt{quota="team-a",resource="cpu"}', act: () => shared(8, 10), by: 2 },
    { sample: 'sallyport_quota_hub_debt{quota="team-a",resource="cpu"}', act: () => shared(12, 10), by: 0 },
  ],
  sallyport_quota_hub_stranded: [
    { sample: 'sallyport_quota_hub_stranded{quota="team-a",resource="cpu"}', act: () => shared(12, 10), by: 1 },
    { sample: 'sallyport_quota_hub_stranded{quota="team-a",resource="cpu"}', act: () => shared(12, 60_001), by: 5 },
    { sample: 'sallyport_quota_hub_stranded{quota="team-a",resource="cpu"}', act: () => shared(12, undefined), by: 5 },
  ],
  sallyport_quota_hub_silent_clusters: [
    { sample: 'sallyport_quota_hub_silent_clusters', act: () => shared(12, 60_001), by: 1 },
    { sample: 'sallyport_quota_hub_silent_clusters', act: () => shared(12, 60_000), by: 0 },
  ],
  sallyport_quota_hub_needs_total: (['fits', 'exceeded', 'at-ceiling'] as const).map((outcome) => ({
    sample: `sallyport_quota_hub_needs_total{outcome="${outcome}"}`,
    act: () => figures.hub.answered({ fits: [outcome, outcome, outcome], milliseconds: 40 }),
    by: 3,
  })),
  sallyport_quota_hub_message_needs: [
    {
      sample: 'sallyport_quota_hub_message_needs_sum',
      act: () => figures.hub.answered({ fits: ['fits', 'fits', 'exceeded'], milliseconds: 40 }),
      by: 3,
    },
    {
      sample: 'sallyport_quota_hub_message_needs_bucket{le="0"}',
      act: () => figures.hub.answered({ fits: [], milliseconds: 40 }),
      by: 1,
    },
  ],
  sallyport_quota_hub_message_duration_seconds: [
    {
      sample: 'sallyport_quota_hub_message_duration_seconds_sum',
      act: () => figures.hub.answered({ fits: [], milliseconds: 40 }),
      by: 0.04,
    },
  ],
  sallyport_quota_hub_grants_total: [
    { sample: 'sallyport_quota_hub_grants_total', act: () => figures.hub.granted(), by: 1 },
  ],
  sallyport_quota_hub_returns_total: [
    { sample: 'sallyport_quota_hub_returns_total', act: () => figures.hub.returned(), by: 1 },
  ],
  sallyport_quota_hub_recalls_total: [
    {
      sample: 'sallyport_quota_hub_recalls_total{outcome="answered"}',
      act: () => figures.hub.recalled({ silent: 0, milliseconds: 30 }),
      by: 1,
    },
    {
      sample: 'sallyport_quota_hub_recalls_total{outcome="silence"}',
      act: () => figures.hub.recalled({ silent: 2, milliseconds: 500 }),
      by: 1,
    },
  ],
  sallyport_quota_hub_recall_duration_seconds: [
    {
      sample: 'sallyport_quota_hub_recall_duration_seconds_sum',
      act: () => figures.hub.recalled({ silent: 0, milliseconds: 30 }),
      by: 0.03,
    },
  ],
  sallyport_guard_active: [
    { sample: 'sallyport_guard_active{phase="Held"}', act: () => figures.held.push({ phase: 'Held' }), by: 1 },
  ],
  sallyport_guard_holds_total: [
    {
      sample: 'sallyport_guard_holds_total{verb="DELETE",requester_class="User"}',
      act: () => figures.guard.phaseChanged?.({ pod: {}, before: undefined, after: guardState('Cleaning', 0) }),
      by: 1,
    },
  ],
  sallyport_guard_attempts_total: (
    [
      { kind: 'hold', phase: 'Cleaning' },
      { kind: 'allow', cause: 'Clean' },
      { kind: 'exempt', reason: 'not-ended' },
      { kind: 'budget' },
    ] satisfies AnsweredFacts['answer'][]
  ).map((answered) => ({
    sample: `sallyport_guard_attempts_total{answer="${answered.kind}"}`,
    act: () => answer(answered),
    by: 1,
  })),
  sallyport_guard_releases_total: (['Clean', 'Deadline', 'HookFailed', 'Requested', 'Bypass'] as const).map(
    (cause) => ({
      sample: `sallyport_guard_releases_total{cause="${cause}"}`,
      act: () => move('Released', { releaseCause: cause }),
      by: 1,
    }),
  ),
  sallyport_guard_aborts_total: (['Idle', 'Requested', 'NotDeleted'] as const).map((cause) => ({
    sample: `sallyport_guard_aborts_total{cause="${cause}"}`,
    act: () => move('Aborting', { abortCause: cause }),
    by: 1,
  })),
  sallyport_guard_cleaning_seconds: [
    {
      sample: 'sallyport_guard_cleaning_seconds_sum',
      act: () => move('Released', { releaseCause: 'Clean' }),
      by: 60,
    },
  ],
  sallyport_guard_deadline_exceeded_total: [
    { sample: 'sallyport_guard_deadline_exceeded_total', act: () => move('Held'), by: 1 },
  ],
  sallyport_guard_bypass_total: [
    { sample: 'sallyport_guard_bypass_total', act: () => answer({ kind: 'exempt', reason: 'not-bypassed' }), by: 1 },
  ],
  sallyport_guard_finisher_deletes_total: (['accepted', 'refused', 'gone'] as const).map((outcome) => ({
    sample: `sallyport_guard_finisher_deletes_total{outcome="${outcome}"}`,
    act: () => figures.guard.finished?.({ pod: {}, state: guardState('Released', 0), outcome }),
    by: 1,
  })),
  sallyport_guard_hook_errors_total: (['start', 'status', 'undo'] as const).map((call) => ({
    sample: `sallyport_guard_hook_errors_total{call="${call}"}`,
    act: () => figures.guard.hookCalled?.({ call, guard: 'shop/db', outcome: 'error', seconds: 1 }),
    by: 1,
  })),
  sallyport_guard_decision_seconds: [
    { sample: 'sallyport_guard_decision_seconds_sum', act: () => answer({ kind: 'budget' }), by: 0.5 },
  ],
  sallyport_configuration_load_timestamp_seconds: [
    { sample: 'sallyport_configuration_load_timestamp_seconds', act: () => undefined, by: NaN },
  ],
};

async function namesOf({ metrics }: Figures): Promise<string[]> {
  const { text } = await metrics.read();
  return [...text.matchAll(/^# HELP (\S+)/gm)].map(([, name = '']) => name).sort();
}

describe('metrics', () => {
  it('each have a row here, and a line in docs/metrics.md, and the other way round', async () => {
    const names = await namesOf(figures);
    expect(Object.keys(rows).sort()).toEqual(names);
    const page = readFileSync(resolve(import.meta.dirname, '../../docs/metrics.md'), 'utf8');
    expect([...page.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name).sort()).toEqual(names);
  });

  it('of slices are told quota by quota, what is nothing too, and no more when they cannot be known', async () => {
    slices();
    const samples = async (): Promise<string[]> =>
      (await figures.metrics.read()).text.split('\n').filter((line) => line.startsWith('sallyport_quota_slice_free{'));
    expect(await samples()).toEqual([
      'sallyport_quota_slice_free{quota="team-a",resource="cpu"} 2.5',
      'sallyport_quota_slice_free{quota="team-a",resource="pods"} 0',
    ]);
    figures.slices = Promise.reject(new Error('the journal cannot be read'));
    expect(await samples()).toEqual([]);
    const many = Array.from({ length: 502 }, (_each, index) => index);
    const resources = ['cpu'];
    figures.slices = Promise.resolve(
      many.map((each) => ({ quota: `q${each}`, name: `q${each}`, resources, slice: amounts(2), spent: amounts(0) })),
    );
    expect(await samples()).toHaveLength(501);
    expect(await samples()).toContain('sallyport_quota_slice_free{quota="other",resource="cpu"} 4');
  });

  it('have no label that tells namespace, name or user', async () => {
    finish('allowed');
    const { text } = await figures.metrics.read();
    const labels = new Set([...text.matchAll(/[{,](\w+)="/g)].map(([, label]) => label));
    expect([...labels].sort()).toEqual(
      ['dry_run', 'le', 'operation', 'outcome', 'phase', 'resource', 'statistic', 'status', 'webhook'].sort(),
    );
  });

  const moving = Object.values(rows)
    .flat()
    .filter(({ by }) => !Number.isNaN(by));
  it.each(moving)('$sample moves by $by', async ({ sample, act, by }) => {
    const before = await figures.read(sample);
    await act();
    expect((await figures.read(sample)) - before).toBeCloseTo(by, 6);
    // Reading twice counts nothing twice.
    expect((await figures.read(sample)) - before).toBeCloseTo(by, 6);
  });

  it('of the process are what the system says', async () => {
    expect(await figures.read('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
    expect(await figures.read('process_start_time_seconds')).toBeCloseTo(performance.timeOrigin / 1000, 3);
    const before = await figures.read('process_cpu_seconds_total');
    const start = process.cpuUsage();
    for (let used = process.cpuUsage(start); used.user + used.system < 50_000; used = process.cpuUsage(start));
    const after = await figures.read('process_cpu_seconds_total');
    expect(after - before).toBeGreaterThanOrEqual(0.05);
    expect(after - before).toBeLessThan(5);
    expect(await figures.read('sallyport_configuration_load_timestamp_seconds')).toBe(1000);
  });
});
