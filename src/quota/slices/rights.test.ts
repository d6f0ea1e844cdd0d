import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { giveBack, grantMore, mergeRights, noRights, sliceOf, type Rights } from './rights.ts';

const amounts = (cpu: number): ReadonlyMap<string, bigint> => (cpu === 0 ? new Map() : new Map([['cpu', BigInt(cpu)]]));
const cpuOf = (rights: Rights): bigint => sliceOf(rights).get('cpu') ?? 0n;

const anyRights = fc
  .record({ epoch: fc.nat(2), granted: fc.nat(9), returned: fc.nat(9) })
  .map(({ epoch, granted, returned }): Rights => ({
    epoch,
    granted: amounts(Math.max(granted, returned)),
    returned: amounts(Math.min(granted, returned)),
  }));

describe('mergeRights()', () => {
  it('comes to the same in every order, and however often', () => {
    fc.assert(
      fc.property(anyRights, anyRights, anyRights, (a, b, c) => {
        expect(mergeRights(a, a)).toEqual(a);
        expect(mergeRights(a, b)).toEqual(mergeRights(b, a));
        expect(mergeRights(mergeRights(a, b), c)).toEqual(mergeRights(a, mergeRights(b, c)));
      }),
    );
  });

  it('lets no loss, repeat or delay of a message make the slice of the member more than the hub counts', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('grant' as const), cpu: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ kind: fc.constant('return' as const), cpu: fc.integer({ min: 1, max: 5 }) }),
      // Any message that was ever sent arrives, or none.
      fc.record({ kind: fc.constant('to member' as const), which: fc.nat(99) }),
      fc.record({ kind: fc.constant('to hub' as const), which: fc.nat(99) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let hub: Rights = noRights;
        let member: Rights = noRights;
        const [fromHub, fromMember] = [[noRights], [noRights]];
        for (const each of steps) {
          if (each.kind === 'grant') fromHub.push((hub = grantMore(hub, amounts(each.cpu))));
          else if (each.kind === 'return') {
            const idle = Number(cpuOf(member));
            fromMember.push((member = giveBack(member, amounts(Math.min(each.cpu, idle)))));
          } else if (each.kind === 'to member') {
            member = mergeRights(member, fromHub[each.which % fromHub.length] ?? noRights);
          } else hub = mergeRights(hub, fromMember[each.which % fromMember.length] ?? noRights);
          expect(cpuOf(member)).toBeLessThanOrEqual(cpuOf(hub));
          expect(cpuOf(member)).toBeGreaterThanOrEqual(0n);
        }
        expect(cpuOf(mergeRights(member, hub))).toBe(cpuOf(mergeRights(hub, member)));
      }),
    );
  });
});
