/**
 * A process of its own that creates Pods through an API server, one set for each message. Bodies are made and connections
 * opened before the clock starts: what it takes is then a small part of what the API server does.
 */
import { once } from 'node:events';
import { Pool } from 'undici';
import { storefrontPod } from '../pod-reviews.ts';

/** One set of Pods. */
export interface CreatePods {
  readonly server: string;
  readonly token: string;
  /** PEM of the API server's authority. */
  readonly caCertificate: string;
  readonly namespace: string;
  readonly pods: number;
  /** How many create at one time, each one Pod after the other over a connection of its own. */
  readonly clients: number;
}

export interface CreatedPods {
  readonly perSecond: number;
  readonly averageMilliseconds: number;
  readonly p95Milliseconds: number;
  readonly p99Milliseconds: number;
  /** What was wrong with the first that was not created. */
  readonly failure: string | undefined;
}

process.on('message', (order: CreatePods) => {
  void createPods(order).then((created) => process.send?.(created));
});
process.on('disconnect', () => process.exit());

async function createPods({
  server,
  token,
  caCertificate,
  namespace,
  pods,
  clients,
}: CreatePods): Promise<CreatedPods> {
  const pool = new Pool(server, { connections: clients, keepAliveTimeout: 60_000, connect: { ca: caCertificate } });
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  const bodies = Array.from({ length: pods }, (_, index) => podOf(index, namespace));
  // Each client has its connection before the first Pod.
  await Promise.all(Array.from({ length: clients }, () => read(pool, { path: '/readyz', method: 'GET', headers })));
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const took: number[] = [];
  let failure: string | undefined;
  let next = 0;
  const client = async (): Promise<void> => {
    for (let body = bodies[next++]; body !== undefined; body = bodies[next++]) {
      const began = performance.now();
      const { status, text } = await read(pool, { path, method: 'POST', headers, body });
      took.push(performance.now() - began);
      if (status !== 201) failure ??= text;
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: clients }, client));
  const seconds = (performance.now() - began) / 1000;
  await pool.destroy();
  took.sort((a, b) => a - b);
  const at = (part: number): number => took[Math.min(took.length - 1, Math.floor(took.length * part))] ?? NaN;
  return {
    perSecond: pods / seconds,
    averageMilliseconds: took.reduce((sum, one) => sum + one, 0) / took.length,
    p95Milliseconds: at(0.95),
    p99Milliseconds: at(0.99),
    failure,
  };
}

async function read(
  pool: Pool,
  request: Parameters<Pool['request']>[0],
): Promise<{ readonly status: number; readonly text: string }> {
  const { statusCode, body } = await pool.request(request);
  if (statusCode !== 201) return { status: statusCode, text: await body.text() };
  body.resume();
  await once(body, 'end');
  return { status: statusCode, text: '' };
}

/** The Pod of the reviews, as its author sends it. */
function podOf(index: number, namespace: string): Buffer {
  const { metadata, spec } = JSON.parse(JSON.stringify(storefrontPod(4, index))) as {
    metadata: { name: string; labels: object; annotations: object };
    spec: object;
  };
  const { name, labels, annotations } = metadata;
  return Buffer.from(
    JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels, annotations }, spec }),
  );
}
