import { randomBytes } from 'node:crypto';
import type { Event } from '../api/generated/events.v1.ts';
import type { KubeClient } from '../kube/index.ts';
import type { Clock, Logger } from '../telemetry/index.ts';
import type { GuardState } from './guard-state.ts';
import { microTime } from './membership.ts';
import type { GuardObserver, PhaseChange } from './observer.ts';

export interface GuardEventsOptions {
  readonly client: Pick<KubeClient, 'create'>;
  /** Of this replica. */
  readonly identity: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Events that wait for the API server; further ones are dropped: they only tell what the annotation says. */
const maxPending = 1000;

/** Writes a Kubernetes Event on the Pod for each change of phase, and none for the attempts in between. */
export function guardEvents({ client, identity, clock, log }: GuardEventsOptions): GuardObserver {
  let pending = 0;
  const write = async (change: PhaseChange, told: Told): Promise<void> => {
    const { name = '', namespace = '', uid } = change.pod.metadata ?? {};
    const event: Event = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      // As client-go's recorder names them: the object, and what differs each time.
      metadata: { name: `${name.slice(0, 200)}.${randomBytes(8).toString('hex')}`, namespace },
      eventTime: microTime(clock.now()),
      type: told.type,
      reason: told.reason,
      action: told.reason,
      note: told.note.slice(0, maxNoteBytes),
      regarding: { apiVersion: 'v1', kind: 'Pod', namespace, name, ...(uid !== undefined && { uid }) },
      reportingController: 'sallyport.dev/guard',
      reportingInstance: identity.slice(0, 128),
    };
    try {
      await client.create({ group: 'events.k8s.io', version: 'v1', resource: 'events', namespace }, event);
    } catch (error) {
      // In a namespace that is being deleted nothing can be made; elsewhere it is a fault of rights or of ours.
      log.info('an Event was not written', {
        namespace,
        pod: name,
        error: error instanceof Error ? error : undefined,
      });
    }
  };
  return {
    phaseChanged(change) {
      if (change.after === undefined || change.before?.phase === change.after.phase || pending >= maxPending) return;
      pending += 1;
      void write(change, tell(change.after)).finally(() => (pending -= 1));
    },
  };
}

/** Source: k8s.io/kubernetes v1.37.2 pkg/apis/core/validation/events.go, NoteLengthLimit. */
const maxNoteBytes = 1024;

interface Told {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly note: string;
}

function tell(state: GuardState): Told {
  const { guard, message, releaseCause = 'Clean', abortCause = 'Requested', requester, verb } = state;
  const because = message === undefined ? '' : `: ${message}`;
  switch (state.phase) {
    case 'Waiting':
      return normal('GuardWaiting', `${guard}: waits until another Pod of the workload has left`);
    case 'Cleaning':
      return normal('GuardCleaning', `${guard}: clean-up ${state.attempt} begins; ${requester} asked by ${verb}`);
    case 'Retrying':
      return warning('GuardRetrying', `${guard}: the clean-up failed and is started again${because}`);
    case 'Held':
      return warning('GuardHeld', `${guard}: held until a person decides${because}`);
    case 'Released':
      return releaseCause === 'Clean'
        ? normal('GuardReleased', `${guard}: the clean-up is done; the Pod may leave${because}`)
        : warning('GuardReleased', `${guard}: the Pod may leave without its clean-up (${releaseCause})${because}`);
    case 'Aborting':
      return normal('GuardAborting', `${guard}: called off (${abortCause}); the clean-up is undone${because}`);
    case 'Aborted':
      return normal('GuardAborted', `${guard}: called off (${abortCause}); the Pod stays${because}`);
  }
}

const normal = (reason: string, note: string): Told => ({ type: 'Normal', reason, note });
const warning = (reason: string, note: string): Told => ({ type: 'Warning', reason, note });
