import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeApiServer } from '../../test/fake-api-server.ts';
import { KubeClient } from '../kube/index.ts';
import { readClusterObjects } from './cluster-objects.ts';

const server = new FakeApiServer();
let client: KubeClient;
beforeEach(async () => {
  await server.start();
  client = new KubeClient(server.clusterConfig());
});
afterEach(async () => {
  client.close();
  await server.stop();
});

it('readClusterObjects() reads what webhooks declare, by list only, and passes over what is not served', async () => {
  const path = '/apis/networking.k8s.io/v1/ingresses';
  server.intercept = (request, response) => {
    const isThere = request.path === path;
    const items = [{ metadata: { name: 'shop', namespace: 'default' } }];
    const list = { apiVersion: 'networking.k8s.io/v1', kind: 'IngressList', metadata: {}, items };
    const status = { apiVersion: 'v1', kind: 'Status', status: 'Failure', reason: 'NotFound', code: 404 };
    response.writeHead(isThere ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isThere ? list : status));
    return true;
  };
  expect(await readClusterObjects(client, [])).toEqual([]);
  expect(await readClusterObjects(client, ['ingresses.networking.k8s.io/v1', 'ingresses'])).toMatchObject([
    { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'shop' } },
  ]);
  expect(new Set(server.requests.map(({ method }) => method))).toEqual(new Set(['GET']));
  expect(server.requests.filter((request) => request.path === path)).toHaveLength(1);
  expect(server.requests.some((request) => request.path.endsWith('/secrets'))).toBe(false);
});
