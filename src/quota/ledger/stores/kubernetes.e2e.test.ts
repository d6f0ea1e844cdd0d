import { afterAll, beforeAll } from 'vitest';
import { describeLedgerStore } from '../../../../test/ledger-store-contract.ts';
import { KubeClient, loadKubeconfig } from '../../../kube/index.ts';
import { ControlPlane } from '../../../testing/control-plane/index.ts';
import { KubernetesLedgerStore } from './kubernetes.ts';

let hub: ControlPlane;
let client: KubeClient;
let ledgers = 0;
beforeAll(async () => {
  hub = await ControlPlane.start();
  client = new KubeClient(await loadKubeconfig([hub.kubeconfig]));
});
afterAll(async () => {
  client.close();
  await hub.stop();
});

describeLedgerStore('KubernetesLedgerStore on a real API server', async () => {
  const name = `ledger-${(ledgers += 1)}`;
  const make = () => new KubernetesLedgerStore({ client, namespace: 'default', name, maxJournalBytes: 20_000 });
  return { first: make(), second: make() };
});
