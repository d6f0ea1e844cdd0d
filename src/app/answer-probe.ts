import { request, type RequestOptions } from 'node:https';
import type { WebhookRegistry } from '../admission/index.ts';
import type { GateAddress } from '../registrar/index.ts';

/** For one webhook; a gate answers within milliseconds. */
const timeoutMilliseconds = 3000;

/**
 * Why the API server could not call the webhooks at this address, or undefined when it could: somebody answers there, with a
 * certificate that the bundle vouches for, and knows the path of each webhook, `rounds` times in a row on connections of their
 * own. No review is sent.
 */
export async function findUnanswered(
  address: GateAddress,
  registry: WebhookRegistry,
  caBundlePem: string | undefined,
  rounds = 1,
): Promise<string | undefined> {
  const webhooks = [...registry];
  for (const { name, path } of Array.from({ length: rounds }, () => webhooks).flat()) {
    try {
      const code = await ask(address, path, caBundlePem);
      // A gate that serves the webhook refuses the method, or us, who have no client certificate; one that does not, says so first.
      if (code === 404) return `${name}: nothing is served at ${path} yet`;
    } catch (error) {
      return `${name}: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
  return undefined;
}

function ask(address: GateAddress, path: string, ca: string | undefined): Promise<number> {
  const options: RequestOptions = {
    ...hostOf(address),
    path,
    method: 'GET',
    agent: false,
    signal: AbortSignal.timeout(timeoutMilliseconds),
    // Without a bundle of ours another controller answers for the trust, and nothing secret is said.
    ...(ca === undefined ? { rejectUnauthorized: false } : { ca }),
  };
  return new Promise((resolve, reject) => {
    request(options, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

function hostOf(address: GateAddress): { readonly host: string; readonly port: number } {
  if ('service' in address) {
    const { namespace, name, port = 443 } = address.service;
    return { host: `${name}.${namespace}.svc`, port };
  }
  const { hostname, port } = new URL(address.url);
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? 443 : Number(port) };
}
