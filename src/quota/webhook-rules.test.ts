import { expect, it } from 'vitest';
import { globalQuotaKind } from './global-quota.ts';
import { quotaRules } from './webhook-rules.ts';

function rulesFor(...names: string[]): string[] {
  const parsed = globalQuotaKind.parse({
    metadata: { name: 'team-a' },
    ...{ spec: { hard: Object.fromEntries(names.map((name) => [name, '1'])) } },
  });
  if (!('object' in parsed)) throw new Error(JSON.stringify(parsed.problems));
  return quotaRules([parsed.object]).map(
    ({ operations, apiGroups, apiVersions, resources }) =>
      `${operations.join('|')} ${resources.join(',')}.${apiGroups.join()}/${apiVersions.join()}`,
  );
}

const podRules = ['CREATE|UPDATE pods./v1', 'UPDATE pods/resize./v1'];
const claimRules = ['CREATE|UPDATE persistentvolumeclaims./v1', 'UPDATE persistentvolumeclaims/status./v1'];

it.each([
  { names: ['requests.cpu', 'limits.memory'], rules: podRules },
  { names: ['pods'], rules: podRules },
  { names: ['count/pods'], rules: podRules },
  { names: ['hugepages-2Mi'], rules: podRules },
  { names: ['requests.storage'], rules: claimRules },
  { names: ['fast.storageclass.storage.k8s.io/persistentvolumeclaims'], rules: claimRules },
  { names: ['services.loadbalancers'], rules: ['CREATE|UPDATE services./v1'] },
  { names: ['configmaps', 'count/configmaps'], rules: ['CREATE configmaps./*'] },
  { names: ['count/deployments.apps'], rules: ['CREATE deployments.apps/*'] },
  { names: ['count/widgets.example.com'], rules: ['CREATE widgets.example.com/*'] },
  { names: ['gold.deviceclass.resource.k8s.io/devices'], rules: ['CREATE|UPDATE resourceclaims.resource.k8s.io/v1'] },
  {
    names: ['requests.example.com/gpu'],
    rules: [...podRules, 'CREATE|UPDATE resourceclaims.resource.k8s.io/v1'],
  },
  { names: ['count/events', 'count/events.events.k8s.io'], rules: [] },
])('quotaRules() asks about what counts towards $names', ({ names, rules }) => {
  expect(rulesFor(...names)).toEqual(rules);
});

it('quotaRules() has no rule for deletions', () => {
  expect(rulesFor('pods', 'services', 'requests.storage', 'count/jobs.batch').join()).not.toContain('DELETE');
});
