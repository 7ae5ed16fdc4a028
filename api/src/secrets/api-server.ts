import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import type { Environment } from '@streamspace/settings';
import { CommandError } from '../command-error.ts';

/** The kubelet's folder with a pod's own access. */
const FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Longest wait for one answer, milliseconds. */
const ANSWER_MS = 5_000;
/** Bytes of one answer: a Secret has at most 1 MiB, in base64. */
const MAX_ANSWER = 4 * 1024 * 1024;

/** A refusal of the API server. `code`: the HTTP status. */
export class ApiServerError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.name = 'ApiServerError';
    this.code = code;
  }
}

/** The required part of a Secret. */
export interface Secret {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  /** Base64. */
  readonly data?: Readonly<Record<string, string>>;
}

/** The Secrets of a namespace, with the right to get and patch some of them. */
export interface ApiServer {
  readonly namespace: string;
  /** Rejects with {@link ApiServerError}, or with the connection's error. */
  get(name: string): Promise<Secret>;
  /** Sets a key of the Secret, and rejects with {@link ApiServerError} 409 if the Secret has changed since it was read. */
  set(secret: Secret, key: string, value: string): Promise<void>;
}

/** The API server that a pod belongs to. Throws {@link CommandError} outside of a pod. */
export async function inCluster(env: Environment, folder = FOLDER): Promise<ApiServer> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = env;
  const mounted = (file: string) => readFile(join(folder, file), 'utf8');
  if (host === undefined || host === '')
    throw new CommandError(
      'KUBERNETES_SERVICE_HOST is not set: this command runs only in a pod, for Secrets of its namespace',
    );
  const [ca, namespace] = await Promise.all([mounted('ca.crt'), mounted('namespace')]).catch((error: unknown) => {
    throw new CommandError(`this pod has no access to its API server: ${(error as Error).message}`);
  });

  const ask = async (method: 'GET' | 'PATCH', name: string, body?: object): Promise<Secret> => {
    // the kubelet renews it
    const token = (await mounted('token')).trim();
    const path = `/api/v1/namespaces/${namespace.trim()}/secrets/${name}`;
    const sent = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          host,
          port,
          ca,
          method,
          path: sent === undefined ? path : `${path}?fieldManager=streamspace-hub`,
          agent: false,
          signal: AbortSignal.timeout(ANSWER_MS),
          headers: {
            authorization: `Bearer ${token}`,
            accept: 'application/json',
            ...(sent !== undefined && {
              'content-type': 'application/merge-patch+json',
              'content-length': Buffer.byteLength(sent),
            }),
          },
        },
        (answer) => {
          const parts: Buffer[] = [];
          let bytes = 0;
          answer.on('data', (part: Buffer) => {
            bytes += part.length;
            if (bytes > MAX_ANSWER) asked.destroy(new Error('the API server’s answer is too long'));
            else parts.push(part);
          });
          answer.once('error', reject);
          answer.once('end', () => {
            const text = Buffer.concat(parts).toString();
            const code = answer.statusCode ?? 0;
            if (code !== 200) return reject(new ApiServerError(code, said(text) ?? `it answered ${code}`));
            try {
              resolve(JSON.parse(text) as Secret);
            } catch {
              reject(new Error('the API server’s answer is no JSON'));
            }
          });
        },
      );
      asked.once('error', reject);
      asked.end(sent);
    });
  };

  return {
    namespace: namespace.trim(),
    get: (name) => ask('GET', name),
    async set({ metadata: { name, resourceVersion } }, key, value) {
      const data = { [key]: Buffer.from(value).toString('base64') };
      await ask('PATCH', name, { metadata: { resourceVersion }, data });
    },
  };
}

/** The message of a Status. */
function said(text: string): string | undefined {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === 'string' ? message.slice(0, 500) : undefined;
  } catch {
    return undefined;
  }
}
