/**
 * The limit that the benchmarks compare with: the least that a webhook on Node can be. Parses, changes by hand, answers;
 * no check of what it is sent, no limit, no log, no figure.
 *
 *     node handler.ts <folder with tls.crt and tls.key> <port>
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';

interface Pod {
  metadata: { labels?: Record<string, string> };
  spec: { containers: { name: string; image: string; resources?: { requests?: object; limits?: object } }[] };
}

const [folder = '.', port = '0'] = process.argv.slice(2);
const registry = 'registry.example.com/';

function mutate({ uid, object: { metadata, spec } }: { uid: string; object: Pod }): object {
  const patch: object[] = [
    metadata.labels === undefined
      ? { op: 'add', path: '/metadata/labels', value: { team: 'unknown' } }
      : { op: 'add', path: '/metadata/labels/team', value: 'unknown' },
  ];
  spec.containers.forEach(({ resources }, index) => {
    const path = `/spec/containers/${index}/resources`;
    if (resources === undefined) patch.push({ op: 'add', path, value: {} });
    if (resources?.requests === undefined) {
      patch.push({ op: 'add', path: `${path}/requests`, value: { cpu: '100m', memory: '128Mi' } });
    }
    if (resources?.limits === undefined) {
      patch.push({ op: 'add', path: `${path}/limits`, value: { cpu: '500m', memory: '256Mi' } });
    }
  });
  return {
    uid,
    allowed: true,
    patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
    patchType: 'JSONPatch',
  };
}

function validate({ uid, object }: { uid: string; object: Pod }): object {
  const stranger = object.spec.containers.find(({ image }) => !image.startsWith(registry));
  if (stranger === undefined) return { uid, allowed: true };
  const message = `container ${stranger.name}: its image is not from ${registry}`;
  return { uid, allowed: false, status: { status: 'Failure', message, reason: 'Forbidden', code: 403 } };
}

function answer(request: IncomingMessage, response: ServerResponse, chunks: Buffer[]): void {
  const review = JSON.parse(Buffer.concat(chunks).toString()) as { request: { uid: string; object: Pod } };
  const isMutation = request.url?.startsWith('/mutate') === true;
  const body = JSON.stringify({
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    response: isMutation ? mutate(review.request) : validate(review.request),
  });
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

createServer(
  {
    cert: readFileSync(join(folder, 'tls.crt')),
    key: readFileSync(join(folder, 'tls.key')),
    // As long as the API server keeps an idle connection, so that none is lost.
    keepAliveTimeout: 120_000,
  },
  (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => answer(request, response, chunks));
  },
).listen(Number(port), '127.0.0.1');
