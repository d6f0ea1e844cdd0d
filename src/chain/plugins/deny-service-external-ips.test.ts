import { describe, expect, test } from 'vitest';
import { runPlugin, summaryOf } from '../../../test/run-plugin.ts';
import { denyServiceExternalIPsPlugin } from './deny-service-external-ips.ts';

const service = (...externalIPs: string[]) => ({
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' } },
  spec: { ports: [{ port: 80 }], ...(externalIPs.length === 0 ? {} : { externalIPs }) },
});
const denied = '403 Forbidden: services "web" is forbidden: Use of external IPs is denied by admission control';

describe('denyServiceExternalIPsPlugin', () => {
  test.each([
    ['a new Service without', service(), undefined, 'unchanged'],
    ['a new Service with one', service('192.0.2.1'), undefined, denied],
    ['one that is kept', service('192.0.2.1'), service('192.0.2.1'), 'unchanged'],
    ['one of two that is kept', service('192.0.2.2'), service('192.0.2.1', '192.0.2.2'), 'unchanged'],
    ['the last one going', service(), service('192.0.2.1'), 'unchanged'],
    ['one more', service('192.0.2.1', '192.0.2.2'), service('192.0.2.1'), denied],
    ['another one', service('192.0.2.2'), service('192.0.2.1'), denied],
  ])('judges %s', async (_, object, oldObject, expected) => {
    const outcome = await runPlugin(denyServiceExternalIPsPlugin, { object, ...(oldObject && { oldObject }) });
    expect(summaryOf(outcome, object)).toBe(expected);
  });

  test('leaves subresources and other kinds alone', async () => {
    const object = service('192.0.2.1');
    const asStatus = { object, oldObject: service(), subresource: 'status' };
    expect(summaryOf(await runPlugin(denyServiceExternalIPsPlugin, asStatus), object)).toBe('unchanged');
    const pod = { ...object, kind: 'Pod' };
    expect(summaryOf(await runPlugin(denyServiceExternalIPsPlugin, { object: pod }), pod)).toBe('unchanged');
  });
});
