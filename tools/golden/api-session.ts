import { Agent, request } from 'node:https';
import type { ControlPlane } from '../../src/testing/control-plane/index.ts';
import type { JsonObject } from '../../src/json/json-value.ts';
import type { UserInfo } from '../../src/api/admission-review.ts';

export interface ApiResponse {
  readonly code: number;
  /** The body as JSON; `{ text }` when it is none; nothing when the connection was closed without an answer, with code 0. */
  readonly body: JsonObject;
  /** Texts of the `Warning` headers. */
  readonly warnings: readonly string[];
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: { readonly [name: string]: string };
  readonly body?: JsonObject;
  /** Default: application/json. */
  readonly contentType?: string;
  /** Whom the admin acts as. Default: nobody. */
  readonly user?: UserInfo;
  /** `Audit-ID`, by which the audit log tells requests apart. */
  readonly auditId?: string;
}

/** Plain HTTP to the API server as its admin: nothing is read, retried or left out, as a client library might do. */
export class ApiSession {
  readonly #plane: ControlPlane;
  readonly #agent: Agent;

  constructor(plane: ControlPlane) {
    this.#plane = plane;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 8, ca: plane.caCertificate });
  }

  async send({
    method,
    path,
    query = {},
    body,
    contentType = 'application/json',
    user,
    auditId,
  }: ApiRequest): Promise<ApiResponse> {
    const url = new URL(path, this.#plane.server);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      authorization: `Bearer ${this.#plane.token}`,
      accept: 'application/json',
      // Node gives a DELETE no length by itself.
      ...(text === undefined ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(text) }),
      ...(user === undefined ? {} : impersonation(user)),
      ...(auditId === undefined ? {} : { 'audit-id': auditId }),
    };
    const { promise, resolve, reject } = Promise.withResolvers<ApiResponse>();
    const sent = request(url, { method, agent: this.#agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        const warnings = (response.headersDistinct['warning'] ?? []).map(warningText);
        resolve({ code: response.statusCode ?? 0, body: asJson(Buffer.concat(chunks).toString()), warnings });
      });
    });
    sent.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET') resolve({ code: 0, body: {}, warnings: [] });
      else reject(error);
    });
    sent.end(text);
    return promise;
  }

  /** As {@link send}, but throws when the answer is no success. */
  async expect(apiRequest: ApiRequest): Promise<JsonObject> {
    const { code, body } = await this.send(apiRequest);
    if (code === 0 || code >= 300)
      throw new Error(`${apiRequest.method} ${apiRequest.path}: ${code} ${JSON.stringify(body)}`);
    return body;
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Source: k8s.io/api v0.37.2 authentication/v1/types.go, ImpersonateUserHeader and its like. */
function impersonation({ username = '', uid, groups = [], extra = {} }: UserInfo): {
  [name: string]: string | string[];
} {
  return {
    'impersonate-user': username,
    ...(uid === undefined ? {} : { 'impersonate-uid': uid }),
    'impersonate-group': groups,
    ...Object.fromEntries(
      Object.entries(extra).map(([key, values]) => [`impersonate-extra-${encodeURIComponent(key)}`, values]),
    ),
  };
}

function asJson(text: string): JsonObject {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return { text };
  }
}

/** `299 - "text"`, quotes and backslashes escaped; Node reads headers as latin1. */
function warningText(header: string): string {
  const quoted = /^299 - "(.*)"$/s.exec(Buffer.from(header, 'latin1').toString())?.[1];
  if (quoted === undefined) throw new Error(`not a warning: ${header}`);
  return quoted.replace(/\\(.)/gs, '$1');
}
