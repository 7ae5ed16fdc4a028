import { randomBytes } from 'node:crypto';
import { type AddressInfo, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Outage, sleep, systemClock } from 'clock-port';
import type { FastifyInstance } from 'fastify';
import { type Logger, pino } from 'pino';
import { Registry } from 'prom-client';
import { agentGateway, type LinkGateway } from '../agents/gateway.ts';
import { buildApp } from '../app.ts';
import { ConfigError } from '@streamspace/settings';
import { type HubConfig, readHubConfig } from '../config.ts';
import { publisher } from '../events/publisher.ts';
import { readQuotas } from '../quotas/file.ts';
import { quotasOf } from '../quotas/quotas.ts';
import { DEFAULT_TEMPLATES, readTemplates } from '../sessions/templates.ts';
import { processMetrics } from '../process-metrics.ts';
import { readProviders } from '../sign-in/providers.ts';
import { openStore, patiently } from '../store/open.ts';

/** Milliseconds for a graceful stop once the agents have gone elsewhere; what isn't over then is cut. */
const STOP_MS = 10_000;
/** What still holds the process after that is let go, milliseconds. */
const EXIT_MS = 500;
/**
 * Milliseconds for which a hub that stops still takes connections: it is unready at once, but a Service's proxies and load balancers need a
 * moment to hear of it, and what they send meanwhile would be refused.
 */
const HEARD_MS = 5_000;
/** Milliseconds that the store may be away when the hub starts: both may be starting. */
const STORE_START_MS = 60_000;

function logger({ logLevel: level, logFormat }: HubConfig): Logger {
  if (logFormat === 'json') return pino({ level });
  return pino({ level, transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname' } } });
}

/** Runs the hub until a signal ends it. What keeps it from starting ends the process, with a line that says what to change. */
export const serve = (): Promise<void> => start().catch(fail);

async function start(): Promise<void> {
  const read = readHubConfig(process.env);
  const config: HubConfig = {
    ...read,
    consoleDir: read.consoleDir ?? fileURLToPath(new URL('./console', import.meta.url)),
  };
  const templates = [
    ...DEFAULT_TEMPLATES,
    ...(config.templatesFile === undefined ? [] : await readTemplates(config.templatesFile)),
  ];
  const { providersFile, clientSecrets } = config.signIn;
  const providers = providersFile === undefined ? [] : await readProviders(providersFile, clientSecrets);
  const quotas = config.quotasFile === undefined ? undefined : quotasOf(await readQuotas(config.quotasFile));
  const log = logger(config);
  const clock = systemClock;
  const trouble = new Outage(clock, log, 'Trouble with the store');
  const store = openStore(
    {
      url: config.storeUrl,
      caFile: config.storeCaFile,
      waitReplicas: config.storeWaitReplicas,
      waitMs: config.storeWaitMs,
      onError: (error) => trouble.failed({ err: error }),
    },
    clock,
  );
  const giveUp = AbortSignal.timeout(STORE_START_MS);
  const seed = async () => {
    for (const template of templates) await store.templates.put(template);
  };
  await patiently(clock, giveUp, seed);
  const metrics = new Registry();
  processMetrics(metrics);
  const metricsPort =
    config.metricsPort === 0 && config.storeUrl !== 'memory:' ? await freePort(config.host) : config.metricsPort;
  const own = config.hubAddress ?? reachable(config.host);
  const hub = own.includes('://')
    ? own
    : `http://${bracketed(own)}:${metricsPort === 0 ? `0#${process.pid}` : metricsPort}`;
  let gateway!: LinkGateway;
  const { app, internal } = await buildApp({
    config,
    store,
    clock,
    log,
    randomBytes,
    hub,
    metrics,
    publish: publisher(store, clock),
    seed,
    providers,
    quotas,
    gateway: (deps) => (gateway = agentGateway(deps)),
  });

  const stop = async (signal: string): Promise<void> => {
    log.info({ signal }, 'hub stopping');
    const late = setTimeout(() => {
      log.error('hub did not stop in time');
      process.exit(1);
    }, config.drainMs + STOP_MS).unref();
    // with the memory store there is no other replica that anybody could go to
    if (config.storeUrl !== 'memory:')
      await Promise.all([
        gateway.drain(AbortSignal.timeout(config.drainMs)),
        sleep(clock, Math.min(HEARD_MS, config.drainMs)),
      ]);
    await app.close();
    await store.close();
    log.info('hub stopped');
    clearTimeout(late);
    // a socket to a store that is frozen closes when that answers, and nothing waits for it
    setTimeout(() => process.exit(0), EXIT_MS).unref();
  };
  let stopping: Promise<void> | undefined;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void (stopping ??= stop(signal)));

  // fastify says so for each address; one line is enough
  const { level } = log;
  log.level = 'silent';
  // the other replicas' first: they dial this one as soon as an agent is here
  const metricsAt = await listen(internal, 'METRICS_PORT', metricsPort, config.host);
  const at = await listen(app, 'PORT', config.port, config.host);
  log.level = level;
  const here = `http://${ANY.has(config.host) ? 'localhost' : bracketed(config.host)}`;
  log.info({ url: config.publicUrl ?? `${here}:${at}`, metrics: `${here}:${metricsAt}/metrics`, hub }, 'hub listening');
}

/** Resolves with the port. Rejects with an error that has the name of its variable. */
async function listen(app: FastifyInstance, variable: string, port: number, host: string): Promise<number> {
  try {
    await app.listen({ port, host }).catch((error: NodeJS.ErrnoException) => {
      // `::` is both families; a machine without IPv6 has one
      if (host !== '::' || error.code !== 'EAFNOSUPPORT') throw error;
      return app.listen({ port, host: '0.0.0.0' });
    });
  } catch (error) {
    throw Object.assign(error as Error, { variable });
  }
  const address = app.server.address();
  return address !== null && typeof address === 'object' ? address.port : port;
}

/** Every address of this machine. */
const ANY: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** A host as URLs have it. */
const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** An address of this machine under which another one reaches what listens on `host`. */
function reachable(host: string): string {
  if (!ANY.has(host)) return host;
  const all = Object.values(networkInterfaces())
    .flat()
    .filter((each) => each?.internal === false && !each.address.startsWith('fe80:'));
  return (all.find((each) => each?.family === 'IPv4') ?? all[0])?.address ?? '127.0.0.1';
}

/** With METRICS_PORT=0 the address has to be known before anybody listens on it. */
function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, host, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Exit status for a configuration that can't be used; as sysexits(3) has it. */
const EX_CONFIG = 78;

/** One line (or a few) that says what to change, and the exit code. */
function fail(error: unknown): never {
  const { code, port, variable, message, stack } = error as NodeJS.ErrnoException & {
    port?: number;
    variable?: string;
  };
  if (code === 'EADDRINUSE')
    console.error(
      `hub: ${variable}=${port} is in use by another program: set ${variable} to a free port, or to 0 for any`,
    );
  else if (code === 'EACCES')
    console.error(`hub: ${variable}=${port} may not be opened by this user: set ${variable} to a port above 1023`);
  else if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    console.error("hub: HOST is none of this machine's addresses: set HOST to one of them, or to 0.0.0.0 for all");
  else {
    const configuration = error instanceof ConfigError || message.startsWith('TEMPLATES_FILE');
    console.error(`hub: ${configuration ? message : (stack ?? message)}`);
    if (configuration) process.exit(EX_CONFIG);
  }
  process.exit(1);
}
